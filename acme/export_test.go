package acme

import "time"

// SetClock does what Run does when it sees the wall clock set by so much, which a test
// cannot do.
func (m *Manager) SetClock(by time.Duration) {
	m.mu.Lock()
	m.shift(by)
	m.mu.Unlock()
	m.nudge()
}
