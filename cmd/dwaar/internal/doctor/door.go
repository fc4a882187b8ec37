package doctor

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"time"

	"dwaar/proxy/admin"
)

// door tells what the dwaar that runs knows of itself.
func (e *examination) door(ctx context.Context) []Finding {
	const what = "running dwaar"
	s, err := e.status(ctx)
	switch {
	case err == nil:
		return e.alive(what, s)
	case errors.Is(err, errOff):
		return []Finding{ok(what, "cannot be asked: %v", err)}
	case e.Door == nil:
		return nil // the address of its door is told to be impossible elsewhere
	case errors.Is(err, admin.ErrNotRunning) && !e.DoorSaid:
		return []Finding{ok(what, "there is none: %v", err)}
	}
	return []Finding{fail(what, "%v", err)}
}

func (e *examination) alive(what string, s admin.Status) (found []Finding) {
	found = append(found, ok(what, "answers: dwaar %s since %s, with %s", s.Version, when(s.Started), s.Config))
	if s.Version != e.Version {
		found = append(found, warn(what, "it is dwaar %s, and this binary %s: restart it to have the other one", s.Version, e.Version))
	}
	if path, err := filepath.Abs(e.Dwaarfile); err == nil && path != s.Config {
		found = append(found, warn(what, "it serves %s, and what was looked at here is %s: give --config %s", s.Config, path, s.Config))
	}
	if !s.Ready {
		found = append(found, fail(what, "it is not ready: it starts, or the database of an OCSP responder is away"))
	}
	if r := s.LastReload; r != nil && r.Error != "" {
		found = append(found, fail(what, "the reload of %s was refused, and what ran before goes on: mend it and run dwaar reload: %s", when(r.At), r.Error))
	}
	found = append(found, ailing(s)...)
	return append(found, served(s)...)
}

// ailing is what the services and neighbours of a dwaar lack.
func ailing(s admin.Status) (found []Finding) {
	if st := s.Storage; st != nil {
		if st.State != "up" {
			found = append(found, fail("storage "+st.Address, "it is down for the dwaar that runs, since %s: %s; it goes on with its copy, and gets no certificates", when(st.Since), st.Error))
		}
		if st.CopyError != "" {
			found = append(found, fail("storage "+st.Address, "its copy is not written: %s", st.CopyError))
		}
	}
	for _, r := range s.Responders {
		if !r.Ready {
			found = append(found, fail("responder on "+r.Database, "it does not answer: %s", r.Error))
		}
	}
	for _, r := range s.Relays {
		for _, i := range r.Issuers {
			if i.Error != "" {
				found = append(found, fail("relay for "+i.Issuer, "its responders are down: %s", i.Error))
			}
		}
	}
	for _, u := range s.Upstreams {
		if !u.Healthy {
			found = append(found, warn("upstream "+u.Address, "it counts as down"))
		}
	}
	return found
}

// served is what is wrong with the certificates that a dwaar serves.
func served(s admin.Status) (found []Finding) {
	for _, c := range s.Certificates {
		what := "certificate of " + strings.Join(c.Names, " ")
		if c.Revoked {
			found = append(found, fail(what, "it is revoked: replace it"))
		}
		if c.Alarm {
			found = append(found, fail(what, "clients insist on a staple (must-staple), and there is none: %s", c.Staple.LastError))
		}
		if c.ACME != nil && c.ACME.LastError != "" {
			level := warn
			if c.NotAfter.Before(time.Now()) {
				level = fail // there is none, or none that a client takes
			}
			found = append(found, level(what, "getting it failed: %s; dwaar tries again %s", c.ACME.LastError, when(c.ACME.NextTry)))
		}
	}
	return found
}

func when(t time.Time) string {
	if t.IsZero() {
		return "soon"
	}
	return t.UTC().Format(time.RFC3339)
}
