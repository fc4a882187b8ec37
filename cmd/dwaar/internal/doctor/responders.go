package doctor

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"sync"

	"dwaar/cmd/dwaar/internal/server"
	"dwaar/ocspsvc"
	"dwaar/ocspsvc/crl"
)

// responders asks each responder of the certificates about one of them.
func (e *examination) responders(ctx context.Context) []Finding {
	asked := &seen{}
	return each(e.known(ctx), func(c server.Inspected) (found []Finding) {
		if !e.Inspection.Asked(c) {
			return nil
		}
		issuer, err := e.Inspection.Issuer(ctx, c)
		if err != nil {
			return []Finding{refusal("issuer of "+c.Where, err)}
		}
		for _, url := range e.Inspection.Responders(c, issuer) {
			if asked.first(url) {
				found = append(found, e.ask(ctx, c, issuer, url))
			}
		}
		return found
	})
}

func (e *examination) ask(ctx context.Context, c server.Inspected, issuer *x509.Certificate, url string) Finding {
	what := "OCSP " + url
	verdict, err := e.Inspection.Ask(ctx, c, issuer, url)
	switch {
	case err != nil:
		return refusal(what, err)
	case verdict.Status != ocspsvc.Good:
		return fail(what, "it says %s of %s: %s", verdict.Status, c.Where, verdict.Reason.Explain())
	case verdict.NextUpdate.IsZero():
		return ok(what, "says good of %s", c.Where)
	}
	return ok(what, "says good of %s, until %s", c.Where, when(verdict.NextUpdate))
}

func refusal(what string, err error) Finding {
	return fail(what, "%v. %s", err, ocspsvc.ReasonOf(err).Explain())
}

// lists reads each CRL of the certificates that have no responder.
func (e *examination) lists(ctx context.Context) []Finding {
	read := &seen{}
	return each(e.known(ctx), func(c server.Inspected) []Finding {
		if len(c.Leaf().CRLDistributionPoints) == 0 || !read.first(c.Leaf().CRLDistributionPoints[0]) {
			return nil
		}
		status, err := e.Inspection.ReadCRL(ctx, c)
		what := "CRL " + cmp.Or(status.URL, c.Leaf().CRLDistributionPoints[0])
		switch {
		case errors.Is(err, crl.ErrNotChecked):
			return nil
		case err != nil:
			return []Finding{warn(what, "%v; until it can be read, nobody here notices a revocation", err)}
		case status.State == crl.Revoked:
			return []Finding{fail(what, "it names %s: %s", c.Where, ocspsvc.ReasonRevoked.Explain())}
		}
		return []Finding{ok(what, "does not name %s, until %s", c.Where, when(status.NextUpdate))}
	})
}

// known are the certificates that are or would be served, as many as are looked at.
func (e *examination) known(ctx context.Context) []server.Inspected {
	all := append(e.Inspection.Manual(), e.stored(ctx)...)
	return all[:min(most, len(all))]
}

// seen is a set of texts.
type seen struct {
	mu  sync.Mutex // guards the rest
	set map[string]bool
}

// first reports whether a text was not there before.
func (s *seen) first(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.set[text] {
		return false
	}
	if s.set == nil {
		s.set = map[string]bool{}
	}
	s.set[text] = true
	return true
}
