package admin

import (
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"dwaar/ocspsvc"
)

const (
	refreshTimeout = 30 * time.Minute // all of a large store
	refreshesAside = 8                // a hung responder must not hold the others
)

// refresh answers with one JSON object a line, each as soon as it is known.
func (a api) refresh(w http.ResponseWriter, r *http.Request) {
	certs, ok := a.wanted(w, r)
	if !ok {
		return
	}
	extend(w, r, refreshTimeout)
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	lines := &lineWriter{w: w, enc: json.NewEncoder(w)}
	var group errgroup.Group
	group.SetLimit(refreshesAside)
	for _, c := range certs {
		if r.Context().Err() != nil {
			break
		}
		group.Go(func() error {
			lines.write(a.refreshed(r, c))
			return nil
		})
	}
	_ = group.Wait() // every outcome is a line of its own
}

// wanted is what the query asks for: name=… or all=1.
func (a api) wanted(w http.ResponseWriter, r *http.Request) ([]Certificate, bool) {
	q := r.URL.Query()
	name, all := q.Get("name"), q.Get("all") == "1"
	if (name == "") == !all {
		refuse(w, http.StatusBadRequest, "say which: ?name=NAME or ?all=1")
		return nil, false
	}
	certs := a.ctl.Status().inUTC().Certificates
	if all {
		return slices.DeleteFunc(slices.Clone(certs), Certificate.missing), true
	}
	found := find(certs, name)
	if len(found) == 0 {
		notServed(w, name)
	}
	return found, len(found) > 0
}

func (a api) refreshed(r *http.Request, c Certificate) Refreshed {
	if c.missing() {
		return Refreshed{Names: c.Names, Error: "there is no certificate yet", Outcome: Outcome{Reason: c.Staple.Reason, Staple: c.Staple}}
	}
	outcome, err := a.ctl.Refresh(r.Context(), c.Fingerprint)
	outcome.Staple, outcome.CRL = outcome.Staple.inUTC(), outcome.CRL.inUTC()
	out := Refreshed{Names: c.Names, Fingerprint: c.Fingerprint, Outcome: outcome}
	if err != nil {
		out.Reason, out.Error = string(ocspsvc.ReasonOf(err)), err.Error()
	}
	return out
}

// missing tells whether c is still to be got: its names are known, and nothing else.
func (c Certificate) missing() bool { return c.Fingerprint == "" }

type lineWriter struct {
	mu  sync.Mutex // guards w and enc: outcomes come from several goroutines
	w   http.ResponseWriter
	enc *json.Encoder
}

func (l *lineWriter) write(v any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.enc.Encode(v) == nil {
		_ = http.NewResponseController(l.w).Flush()
	}
}
