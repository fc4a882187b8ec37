package stapler

import (
	"time"

	"dwaar/ocspsvc"
)

// fail files a round without a usable answer. What is held stays held (S4):
// only its own end takes a staple away. The certificate backs off, and, if the
// error is about the responder, so does everyone who depends on it (S11).
func (s *Service) fail(c *certificate, err error) {
	s.mu.Lock()
	defer s.unlock()
	now, reason := time.Now(), reasonOf(err)
	s.counts.refreshes.WithLabelValues(string(reason)).Inc()
	c.trouble, c.reason, c.asked = err, reason, false
	if silent(err) {
		c.silent, c.why = reason, err.Error()
		s.noteQuiet(c)
		return
	}
	c.silent, c.why = "", ""
	if c.gone {
		return
	}
	if c.failing.IsZero() {
		c.failing = now.Round(0)
	}
	s.blame(c, err, now)
	due := now.Add(s.pause(now.Sub(c.failing), c.left(now), c, err))
	s.queueAt(c, due, s.configHeld(c).RefreshEvery)
	s.noteFailure(c)
}

// silent reports whether err says that there is nobody to ask, and nobody was
// (S12).
func silent(err error) bool {
	switch ocspsvc.ReasonOf(err) {
	case ocspsvc.ReasonNoResponder, ocspsvc.ReasonNoIssuer, ocspsvc.ReasonSelfSigned:
		return true
	}
	return false
}

// The functions below want s.mu held.

// blame lets c's lane know. A verified unknown shows that the responder works.
func (s *Service) blame(c *certificate, err error, now time.Time) {
	n := strikes(err)
	if n == 0 {
		s.answered(c.lane, now)
		return
	}
	c.lane.proven = n < strikesToOpen
	c.lane.breaker.fail(now, n, func(failingFor time.Duration) time.Duration {
		return s.pause(failingFor, s.leastLeft(c.lane, now), c, err)
	})
}

// pause is how long to leave alone whoever has been failing for so long, while
// a staple has left of its life.
func (s *Service) pause(failingFor, left time.Duration, c *certificate, err error) time.Duration {
	every := s.configHeld(c).RefreshEvery
	return later(obey(backoff(failingFor, left, c.life(), every), retryAfterOf(err), left))
}

// leastLeft is the shortest life left of the lane's staples; 0 if there is none.
func (s *Service) leastLeft(l *lane, now time.Time) (least time.Duration) {
	for _, c := range s.certs {
		if c.lane != l {
			continue
		}
		if left := c.left(now); left > 0 && (least == 0 || left < least) {
			least = left
		}
	}
	return least
}

// answered closes the lane's breaker. If it was open, those who failed because
// the responder was dead need not sit out their pause. Who fails again then has
// trouble of its own, and has to.
func (s *Service) answered(l *lane, now time.Time) {
	recovered := !l.breaker.closed()
	l.breaker.succeed()
	l.proven = true
	if !recovered {
		return
	}
	for _, c := range s.certs {
		if c.lane == l && c.place > 0 && !c.ready && !c.freed && c.trouble != nil && strikes(c.trouble) == strikesToOpen {
			c.freed = true
			s.queueAt(c, now, c.interval)
		}
	}
}

// nextTry is when c's next round can be: when it is due, and its lane open.
func (s *Service) nextTry(c *certificate) time.Time {
	if c.lane != nil && c.lane.breaker.until.After(c.due) {
		return c.lane.breaker.until
	}
	return c.due
}
