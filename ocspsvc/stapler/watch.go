package stapler

import (
	"context"
	"time"
)

// watch notices when staples begin and end by themselves, whatever the worker
// is waiting for, and when the wall clock was stepped or the machine slept.
func (s *Service) watch(ctx context.Context) {
	last := time.Now()
	for ctx.Err() == nil {
		now := time.Now()
		if stepped(now.Round(0).Sub(last.Round(0)), now.Sub(last)) {
			s.replan(now)
		}
		last = now
		sleep(ctx, s.settleDue(now), s.rewatch)
	}
}

// settleDue settles what has changed by now and says how long nothing will.
func (s *Service) settleDue(now time.Time) time.Duration {
	for {
		c, wait := s.settleNext(now)
		if c == nil {
			return wait
		}
		s.present(c, false)
	}
}

func (s *Service) settleNext(now time.Time) (*certificate, time.Duration) {
	s.mu.Lock()
	defer s.unlock()
	c := s.changing.top()
	if c == nil || now.Round(0).Before(c.changes) {
		return nil, s.changing.untilTop(now, func(c *certificate) time.Time { return c.changes }, longestSleep)
	}
	s.settle(c, now)
	return c, 0
}

// stepped reports whether more or less time has passed by the wall clock than
// by the machine's: somebody set the clock, or the machine was suspended.
func stepped(byWall, byMachine time.Duration) bool {
	return (byWall - byMachine).Abs() > time.Second
}

// replan judges everything by a clock that was stepped. Staples may begin or
// end, a refresh time that is now in the future may not count for max_age (S3),
// and no plan made by the old clock may reach beyond what a new one could.
func (s *Service) replan(now time.Time) {
	s.log.Info("the clock was stepped, judging staples anew")
	for _, c := range s.everyone() {
		s.rejudge(c, now)
		s.present(c, false)
	}
	nudge(s.wake)
}

// rejudge computes c's window and plan again.
func (s *Service) rejudge(c *certificate, now time.Time) {
	s.mu.Lock()
	defer s.unlock()
	cfg := s.configHeld(c)
	if c.gone {
		return // since everyone was listed
	}
	c.held, c.next = c.held.again(cfg), c.next.again(cfg)
	s.settle(c, now)
	empty := c.held == nil && c.recalled
	if empty {
		c.recalled = false // what was stored, and not in time, may be now
	}
	if c.lane != nil && (empty || c.lane.breaker.until.Sub(now) > lastPause) {
		c.lane.breaker.probeNow(now)
	}
	switch {
	case c.place == 0 || c.ready:
	case empty || c.held.isBarred() || c.interval == 0 && !c.over(now):
		s.queueAt(c, now, c.interval)
	case c.due.Sub(now) > cfg.RefreshEvery:
		s.queueAt(c, c.dueBy(now, cfg), c.interval)
	}
}

// dueBy is when c is due at the latest as cfg has it: soon after what is held was got, which
// another node may just have done.
func (c *certificate) dueBy(now time.Time, cfg Config) time.Time {
	if h := c.newest(); h != nil {
		return h.shared(now, cfg)
	}
	return now
}

// again is h with its window computed anew.
func (h *held) again(cfg Config) *held {
	if h == nil || h.response == nil {
		return h
	}
	anew := newHeld(h.response, h.verdict, h.refreshed, cfg, h)
	anew.stamp = h.stamp
	return anew
}

// everyone lists the certificates.
func (s *Service) everyone() []*certificate {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*certificate, 0, len(s.certs))
	for _, c := range s.certs {
		all = append(all, c)
	}
	return all
}
