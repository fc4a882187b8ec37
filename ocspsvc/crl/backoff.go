package crl

import (
	"math/rand/v2"
	"time"
)

// Bounds of the pause after a failure and after a success past half-life.
const (
	firstPause = time.Minute
	lastPause  = time.Hour
	leastPause = 10 * time.Second
)

// backoff is the pause after a failure: 1 min, 2 min, 4 min … 1 h, because one
// that follows failingFor of failures waits as long again.
func backoff(failingFor time.Duration) time.Duration {
	return min(firstPause+max(failingFor, 0), lastPause)
}

// interval is how long a list read at now need not be read again: until
// half-way to its nextUpdate, or every, if that is sooner. Past half-way it is
// an hour, or a tenth of what is left, if that is shorter; and an hour at most
// for one that storage lacks.
func (h *held) interval(now time.Time, every time.Duration) time.Duration {
	l := h.list
	if h.unstored {
		every = min(every, lastPause)
	}
	half := l.ThisUpdate.Add(l.NextUpdate.Sub(l.ThisUpdate) / 2).Sub(now)
	if half <= 0 {
		half = max(min(lastPause, l.NextUpdate.Sub(now)/10), leastPause)
	}
	return min(half, every)
}

// later adds up to a tenth, so that failures do not march in step.
func later(d time.Duration) time.Duration { return d + spread(d/10) }

// sooner takes away up to a twentieth: a reading is never later than promised.
func sooner(d time.Duration) time.Duration { return d - spread(d/20) }

func spread(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d)
}
