package stapler

import (
	"errors"
	"time"
)

// Reconfigure goes on with another config and fetcher, as after a reload. It
// keeps every staple and every plan, except that windows follow the new
// MaxAge, what lacks a nextUpdate that is required by now is served no more and
// asked for again, nothing is due later than the new RefreshEvery, and what has
// been failing or could not be asked for is tried again soon: that may be what
// was changed. A config that New would refuse changes nothing.
func (s *Service) Reconfigure(cfg Config, fetcher Fetcher) error {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return err
	}
	if fetcher == nil {
		return errors.New("stapler: a fetcher is needed")
	}
	s.settings.Store(&settings{cfg: cfg, fetcher: fetcher})
	now := time.Now()
	s.reopen(now)
	for _, c := range s.everyone() {
		s.rejudge(c, now)
		s.present(c, false)
	}
	nudge(s.wake)
	nudge(s.rewatch)
	return nil
}

// reopen lets everything that failed be tried again, one probe per responder
// first.
func (s *Service) reopen(now time.Time) {
	s.mu.Lock()
	defer s.unlock()
	for _, l := range s.lanes {
		l.breaker.probeNow(now)
	}
	for _, c := range s.certs {
		if c.trouble != nil && c.place > 0 && !c.ready {
			s.queueAt(c, now, c.interval)
		}
	}
	s.requiet()
}
