package relay

import (
	"math"
	"runtime"
)

// row is the entries of one authority, in no order. It is guarded by the cache.
type row []*entry

func (r *row) add(e *entry) {
	e.place = len(*r)
	*r = append(*r, e)
}

// remove lets the last entry take e's place.
func (r *row) remove(e *entry) {
	last := len(*r) - 1
	moved := (*r)[last]
	(*r)[e.place], moved.place = moved, e.place
	(*r)[last] = nil
	*r, e.place = (*r)[:last], gone
}

// gone is the place of an entry that is in no row any more.
const gone = -1

// atATime is how many entries are looked at before hits, which need the same lock,
// get a turn: some 20 µs.
const atATime = 256

// each has look called for all entries of an authority that are there all the while,
// with c.mu held. It goes from the last to the first: the entry that takes the place of
// a removed one has been looked at already, and it does no harm to look twice.
func (c *cache) each(a *authority, look func(*entry)) {
	for left := math.MaxInt; left > 0; {
		left = c.some(a, left, look)
		runtime.Gosched() // who waits for the lock gets it
	}
}

// some looks at the last of the first so many entries, and returns how many are left.
func (c *cache) some(a *authority, left int, look func(*entry)) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	left = min(left, len(a.entries))
	first := max(0, left-atATime)
	for i := left - 1; i >= first; i-- {
		look(a.entries[i])
	}
	return first
}
