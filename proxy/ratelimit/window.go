package ratelimit

const (
	slices  = 16         // of a window
	counted = slices + 1 // slices that are looked at: the current one has only begun
)

// window is the events of one key. An event counts until its slice is a whole window old: so
// there are never more than allowed in any stretch of time as long as the window, and a place
// is free again at most a sixteenth later than it had to be.
type window struct {
	newest int64 // the number of the current slice
	total  uint32
	events [counted]uint32 // by number of slice, modulo
}

// slide forgets what is too old at slice now. Slices do not go back.
func (w *window) slide(now int64) {
	for gone := w.newest + 1; gone <= min(now, w.newest+counted); gone++ {
		slot := &w.events[gone%counted]
		w.total -= *slot
		*slot = 0
	}
	w.newest = max(w.newest, now)
}

func (w *window) add() {
	w.total++
	w.events[w.newest%counted]++
}

// oldest is the number of the first slice that has an event; there is one.
func (w *window) oldest() int64 {
	for slice := w.newest - slices; slice < w.newest; slice++ {
		if slice >= 0 && w.events[slice%counted] > 0 {
			return slice
		}
	}
	return w.newest
}
