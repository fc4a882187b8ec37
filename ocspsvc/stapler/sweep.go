package stapler

import (
	"context"
	"time"

	"dwaar/ocspsvc"
)

// sweepEvery is how often memory and storage are cleared of what nobody needs
// any more, the first time sweepFirst after the start.
const (
	sweepEvery = 24 * time.Hour
	sweepFirst = 10 * time.Minute
)

// sweep drops responses that have long ended, and deletes the stored ones of
// certificates that are long gone, so that neither grows beyond the catalog.
func (s *Service) sweep(ctx context.Context) {
	timer := time.NewTimer(sweepFirst)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		now := time.Now().Round(0)
		for _, c := range s.everyone() {
			s.shed(c, now)
		}
		if _, err := s.store.Purge(ctx, now, s.keeps); err != nil && !ended(ctx) {
			s.log.Warn("clearing stored staples", "reason", ocspsvc.ReasonStoreError, "err", err)
		}
		timer.Reset(sweepEvery)
	}
}

func (s *Service) keeps(leaf Fingerprint) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.certs[leaf] != nil
}

func (s *Service) shed(c *certificate, now time.Time) {
	s.mu.Lock()
	before := c.held
	if c.busy == nil {
		c.held = c.held.shed(now)
	}
	changed := c.held != before
	s.mu.Unlock()
	if changed {
		s.store.Forget(c.fingerprint)
		s.present(c, false)
	}
}
