package upstream

import (
	"sync/atomic"
	"time"
)

// deadline is a moment that others wait for. It is read on every request, so
// it asks for the time only while one is set. A moment has its monotonic
// reading: setting the clock of the machine changes nothing.
type deadline struct{ at atomic.Pointer[time.Time] }

func (d *deadline) set(at time.Time) { d.at.Store(&at) }

// ahead reports whether the moment is still to come.
func (d *deadline) ahead() bool {
	at := d.at.Load()
	return at != nil && time.Now().Before(*at)
}
