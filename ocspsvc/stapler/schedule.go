package stapler

import "time"

// The functions of this file want s.mu held.

// enlist makes c a member of the lane of that name.
func (s *Service) enlist(c *certificate, name string) {
	name = c.laneOf(name)
	if c.lane != nil && c.lane.name == name {
		return
	}
	s.delist(c)
	l := s.lanes[name]
	if l == nil {
		l = &lane{name: name, ready: byUrgency()}
		s.lanes[name] = l
	}
	l.members++
	c.lane = l
}

// delist takes c out of its queue and its lane, and forgets a lane that is empty.
func (s *Service) delist(c *certificate) {
	s.unqueue(c)
	if c.lane == nil {
		return
	}
	if c.lane.members--; c.lane.members == 0 {
		delete(s.lanes, c.lane.name)
	}
	c.lane = nil
}

// queueAt plans c's next round. The interval is how often it will be refreshed
// as things stand.
func (s *Service) queueAt(c *certificate, due time.Time, interval time.Duration) {
	s.unqueue(c)
	c.due = due.Round(0)
	s.waiting.put(c)
	s.pacer.plan(c.interval, interval)
	c.interval = interval
}

// unqueue takes c out of whichever queue it is in, and out of the plan.
func (s *Service) unqueue(c *certificate) {
	if c.ready {
		c.lane.ready.drop(c)
		c.ready = false
		s.tally(c)
	} else {
		s.waiting.drop(c)
	}
	s.pacer.plan(c.interval, 0)
	c.interval = 0
}

// reorder puts c where its urgency belongs, after serving, held or asked changed.
func (s *Service) reorder(c *certificate) {
	if c.ready {
		c.lane.ready.put(c)
		s.tally(c)
	}
}

// tally keeps lane.bare right.
func (s *Service) tally(c *certificate) {
	if bare := c.ready && c.bare(); bare != c.counted {
		c.counted = bare
		if bare {
			c.lane.bare++
		} else {
			c.lane.bare--
		}
	}
}

// ripen moves what has become due to the lanes. A certificate that has itself
// expired is looked at again later, in case the clock is wrong. One whose round
// has planned the next for now, and has not ended, is left to release.
func (s *Service) ripen(now time.Time) {
	for c := s.waiting.top(); c != nil && !now.Before(c.due); c = s.waiting.top() {
		if c.over(now) {
			s.queueAt(c, now.Add(s.configHeld(c).RefreshEvery), 0)
			continue
		}
		s.waiting.drop(c)
		if c.busy != nil {
			continue
		}
		c.ready = true
		c.lane.ready.put(c)
		s.tally(c)
	}
}

// bareReady counts what is due, has no staple and may be asked for.
func (s *Service) bareReady(now time.Time) int {
	n := 0
	for _, l := range s.lanes {
		if l.breaker.lets(now) {
			n += l.bare
		}
	}
	return n
}

// claimNext claims the certificate whose turn it is, or says how long there is
// nothing to do. Lanes with an open breaker are passed over, so that a dead
// responder delays nobody else (S11).
func (s *Service) claimNext(now time.Time) (*certificate, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ripen(now)
	wait := s.waiting.untilTop(now, func(c *certificate) time.Time { return c.due }, longestSleep)
	if rest := s.rested.Sub(now); rest > 0 {
		return nil, rest
	}
	var first *certificate
	for _, l := range s.lanes {
		if len(l.ready.items) == 0 {
			continue
		}
		if !l.breaker.lets(now) {
			wait = min(wait, l.breaker.until.Sub(now))
			continue
		}
		if c := l.best(); first == nil || s.goesBefore(c, first, now) {
			first = c
		}
	}
	if first != nil {
		s.claim(first)
	}
	return first, wait
}

// goesBefore decides between the best of two lanes.
func (s *Service) goesBefore(a, b *certificate, now time.Time) bool {
	if x, y := a.lane.yields(now, s.yielding), b.lane.yields(now, s.yielding); x != y {
		return y
	}
	return moreUrgent(a, b)
}

// claim starts a round for c, which is idle.
func (s *Service) claim(c *certificate) {
	s.unqueue(c)
	c.busy = make(chan struct{})
}

// release ends c's round. One that planned nothing, because its caller gave
// up, leaves c due; one that has become quiet is not asked for again.
func (s *Service) release(c *certificate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(c.busy)
	c.busy = nil
	if c.noticed {
		c.noticed = false
		s.Stored(c.fingerprint)
	}
	switch {
	case c.gone:
	case c.quiet() != "":
		s.delist(c)
	case c.place == 0:
		s.queueAt(c, time.Now(), 0)
	}
}
