package stapler

import "time"

// What tests of arithmetic need: the bubble of synctest has a clock that
// cannot be stepped and a day that is too short for 100,000 certificates.

var (
	Backoff = backoff
	Obey    = obey
	Stepped = stepped
)

// GapFor is the pace with so many certificates refreshed once per interval, of
// which some have no staple.
func GapFor(configured, interval time.Duration, certificates, bare int) time.Duration {
	var p pacer
	for range certificates {
		p.plan(0, interval)
	}
	return p.gap(configured, bare)
}

// UntilNext is untilNext at now.
func UntilNext(now, start, end time.Time, every time.Duration) time.Duration {
	return untilNext(now, start, end, every)
}

// StepClock makes the service believe that the clock was stepped.
func (s *Service) StepClock(now time.Time) { s.replan(now) }

// Sizes are what must not grow: lanes, waiting, watched and remembered issuers.
func (s *Service) Sizes() (certs, lanes, waiting, watched int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.certs), len(s.lanes), len(s.waiting.items), len(s.changing.items)
}
