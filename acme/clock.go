package acme

import "time"

// clock notices when the wall clock is set back. Set forward, it makes plans come sooner,
// which does no harm; set back, it would leave pauses that were planned by the wrong time
// in the far future. It is guarded by Manager.mu.
type clock struct{ seen time.Time }

// step is how far the wall clock has been set since the last call.
func (c *clock) step(now time.Time) time.Duration {
	seen := c.seen
	c.seen = now
	if seen.IsZero() {
		return 0
	}
	return now.Round(0).Sub(seen.Round(0)) - now.Sub(seen)
}

// followClock moves what was planned in times that count from then. It wants m.mu held.
func (m *Manager) followClock(now time.Time) {
	if step := m.clock.step(now); step < -longestSleep {
		m.shift(step)
	}
}

func (m *Manager) shift(step time.Duration) {
	for _, e := range m.entries {
		if !e.nextTry.IsZero() {
			e.nextTry = e.nextTry.Add(step)
		}
		if !e.ari.ask.IsZero() {
			e.ari.ask = e.ari.ask.Add(step)
		}
		if e.noted {
			e.lookAt = e.lookAt.Add(step)
		}
		m.settle(e)
	}
}
