package stapler

import (
	"math/rand/v2"
	"time"
)

// Bounds of the pause after a failure and after a success past half-life (S11).
const (
	firstPause  = time.Minute
	lastPause   = time.Hour
	leastPause  = 10 * time.Second
	retryAfterX = 24 * time.Hour // no Retry-After is believed beyond this
)

// backoff is the pause after a failed round: 1 min, 2 min, 4 min … 1 h. A
// failure that follows failingFor of failures waits as long again. Where a
// staple is left, a quarter of its life is the most. Where lives are short,
// pauses are too: they begin at a twelfth of a life and grow more slowly once
// they are half of one.
//
// A 7-day outage takes about 200 rounds: one in each hour, 20 in the last four
// hours of a staple, 8 at the beginning.
func backoff(failingFor, left, life, every time.Duration) time.Duration {
	first, failingFor := min(firstPause, every), max(failingFor, 0)
	pause := min(first+failingFor, lastPause)
	if life > 0 {
		first = min(first, max(life/12, time.Second))
		pause = min(first+failingFor, lastPause, max(life/2, failingFor/4))
	}
	if left > 0 {
		pause = min(pause, max(left/4, min(leastPause, first)))
	}
	return pause
}

// obey lengthens a pause to the Retry-After of a responder, as far as that
// leaves half of the staple's life to try again, and an hour at least.
func obey(pause, retryAfter, left time.Duration) time.Duration {
	return max(pause, min(retryAfter, max(left/2, lastPause), retryAfterX))
}

// later adds up to a tenth, so that failures do not march in step.
func later(d time.Duration) time.Duration { return d + spread(d/10) }

// sooner takes away up to a twentieth: a refresh is never later than promised.
func sooner(d time.Duration) time.Duration { return d - spread(d/20) }

func spread(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d)
}
