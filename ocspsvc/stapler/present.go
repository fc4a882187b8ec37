package stapler

import (
	"time"

	"dwaar/ocspsvc"
)

// present tells the catalog which staple c has, and Revocations if it counts
// as revoked: first the staple goes, then the word is out. Both are told what
// holds at that moment, in order, however many rounds end at once. again
// repeats that c is revoked.
func (s *Service) present(c *certificate, again bool) {
	s.presenting.Lock()
	defer s.presenting.Unlock()
	s.mu.Lock()
	gone, staple, verdict := c.gone, c.staple(), ocspsvc.Verdict{}
	if c.held != nil && !c.disabled {
		verdict = c.held.verdict
	}
	revoked := verdict.Status == ocspsvc.Revoked
	tell := revoked != c.told || revoked && again
	c.told = revoked
	s.mu.Unlock()
	if gone {
		return
	}
	s.catalog.Attach(c.fingerprint, staple)
	if tell && s.revocations != nil {
		s.revocations.Revocation(c.fingerprint, verdict)
	}
}

// settle wants s.mu held. It brings c up to now, keeps the queues right, and
// notes once per transition when a staple has ended or is back (S3).
func (s *Service) settle(c *certificate, now time.Time) {
	was := c.bare()
	switch c.settle(now) {
	case lapsed:
		s.noteEnd(c, c.held.endedBy(now))
	case back:
		s.noteBack(c)
	}
	if c.serving {
		c.asked = false
	}
	if c.changes.IsZero() {
		s.changing.drop(c)
	} else {
		s.changing.put(c)
	}
	if was != c.bare() {
		s.reorder(c)
	}
}
