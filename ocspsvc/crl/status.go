package crl

import (
	"errors"
	"fmt"
	"time"

	"dwaar/ocspsvc"
)

// State says what the CRL of a certificate says about it.
type State string

// The states.
const (
	Good    State = "good"    // a verified list that has not ended does not name it
	Revoked State = "revoked" // a verified list named it, and no newer one lifted that
	None    State = "none"    // nothing is known, or nobody is asked; the reason says why
)

// Status is what is known about one certificate from CRLs. Times are UTC, and
// left out where there is none.
type Status struct {
	State State `json:"state"`

	// Reason is "" for a certificate that has a responder to ask instead.
	Reason ocspsvc.Reason `json:"reason"`

	URL        string    `json:"url"` // of the list that decides, or of the first one
	ThisUpdate time.Time `json:"this_update,omitzero"`
	NextUpdate time.Time `json:"next_update,omitzero"`
	LastTry    time.Time `json:"last_try,omitzero"`
	NextTry    time.Time `json:"next_try,omitzero"`
	LastError  string    `json:"last_error"` // of the last reading; "" after a success

	RevokedAt        time.Time `json:"revoked_at,omitzero"` // set while the certificate counts as revoked
	RevocationReason string    `json:"revocation_reason,omitempty"`
}

// Status says how leaf is doing at this moment. A leaf that the catalog does
// not have is pending.
func (w *Watcher) Status(leaf Fingerprint) Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.certs[leaf]
	if c == nil {
		return Status{State: None, Reason: ocspsvc.ReasonPending}
	}
	now := time.Now().Round(0)
	s := Status{LastError: c.lastError()}
	s.State, s.Reason = c.state(now)
	if c.group != nil {
		s.readFeed(c, now)
	}
	if r := c.revocation; r != nil {
		s.URL, s.ThisUpdate, s.NextUpdate = r.url, r.verdict.ThisUpdate, r.verdict.NextUpdate
		s.RevokedAt, s.RevocationReason = r.verdict.RevokedAt, r.verdict.RevocationReason.String()
	}
	return s
}

// The functions below want Watcher.mu held.

func (s *Status) readFeed(c *certificate, now time.Time) {
	f := c.deciding(now)
	s.URL, s.LastTry, s.NextTry, s.LastError = f.url, utc(f.lastTry), utc(f.nextTry()), c.group.trouble(f, now)
	if f.held != nil {
		s.ThisUpdate, s.NextUpdate = f.held.list.ThisUpdate, f.held.list.NextUpdate
	}
}

func (c *certificate) state(now time.Time) (State, ocspsvc.Reason) {
	switch {
	case c.disabled:
		return None, ocspsvc.ReasonDisabled
	case c.revocation != nil:
		return Revoked, ocspsvc.ReasonRevoked
	case c.group == nil:
		return None, c.quiet
	case c.group.vouching(now) != nil:
		return Good, ocspsvc.ReasonGood
	}
	return None, c.group.doubt(now)
}

func (c *certificate) lastError() string {
	if c.disabled || c.quiet == ocspsvc.ReasonNoResponder {
		return "" // how most certificates are (S12)
	}
	return c.why
}

// deciding is the feed that Status is about.
func (c *certificate) deciding(now time.Time) *feed {
	if r := c.revocation; r != nil {
		for _, f := range c.group.feeds {
			if f.url == r.url {
				return f
			}
		}
	}
	if f := c.group.vouching(now); f != nil {
		return f
	}
	return c.group.feeds[0]
}

// doubt is the word for a group of which nothing is known for certain: what the
// list that came closest lacks, or else why there is none.
func (g *group) doubt(now time.Time) ocspsvc.Reason {
	best, rank := ocspsvc.ReasonPending, 0
	for _, f := range g.feeds {
		if reason, r := f.doubt(g, now); r > rank {
			best, rank = reason, r
		}
	}
	return best
}

func (f *feed) doubt(g *group, now time.Time) (reason ocspsvc.Reason, rank int) {
	switch {
	case f.held != nil && !f.held.list.scope.covers(g.names):
		return ocspsvc.ReasonWrongCertificate, 2
	case f.held != nil && f.held.ended(now):
		return ocspsvc.ReasonExpired, 4
	case f.held != nil && f.held.list.Current(now) != nil:
		return ocspsvc.ReasonNotYetValid, 3
	case f.held != nil:
		return ocspsvc.ReasonUnknown, 3
	case f.trouble != nil:
		return ocspsvc.ReasonOf(f.trouble), 1
	}
	return ocspsvc.ReasonPending, 0
}

// errPartial is the note on a list that proves nothing by what it leaves out.
var errPartial = errors.New("the list is about some revocation reasons only: that it does not name the certificate proves nothing")

// trouble is what stands in the way: of f alone if it decides, of all if none does.
func (g *group) trouble(f *feed, now time.Time) string {
	if g.vouching(now) == f {
		return text(f.trouble)
	}
	var all []error
	for _, f := range g.feeds {
		switch {
		case f.trouble != nil && len(g.feeds) > 1:
			all = append(all, fmt.Errorf("%s: %w", f.url, f.trouble))
		case f.trouble != nil:
			all = append(all, f.trouble)
		case f.held != nil && !f.held.ended(now) && f.held.list.Partial():
			all = append(all, errPartial)
		}
	}
	return text(errors.Join(all...))
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func utc(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC()
}
