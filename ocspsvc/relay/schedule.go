package relay

import (
	"math/rand/v2"
	"time"
)

// When answers are asked for again.
const (
	checkEvery  = 30 * time.Minute // looks at least so often whether one is due
	checkLeast  = 10 * time.Second // and at most so often
	longest     = 24 * time.Hour   // between two refreshes
	pastHalf    = time.Hour        // the same once half of an answer's life is over
	shortest    = 10 * time.Second // the same where lives are short
	unusedAfter = 3 * 24 * time.Hour
)

// due is when an answer is asked for again after it was refreshed: daily, at half
// of its life, and from then on hourly, or after a tenth of the rest if that is
// sooner.
func (a *answer) due() time.Time {
	half := a.thisUpdate.Add(a.until.Sub(a.thisUpdate) / 2)
	if next := half.Sub(a.refreshed); next > 0 {
		return a.refreshed.Add(sooner(min(longest, next)))
	}
	return a.refreshed.Add(sooner(min(pastHalf, max(a.until.Sub(a.refreshed)/10, shortest))))
}

// Bounds of the pause after a failure: while nobody misses an answer, and while
// somebody does.
const (
	firstPause, lastPause = time.Minute, time.Hour
	firstBare, lastBare   = 10 * time.Second, 10 * time.Minute

	lastTrouble = lastBare + lastBare/10 // with what later adds
)

// pause is how long to wait after failingFor of failures: as long again, within
// bounds. A quarter of what is left of an answer's life is the most.
func pause(failingFor, left time.Duration) time.Duration {
	if left <= 0 {
		return later(min(max(failingFor, firstBare), lastBare))
	}
	return later(min(max(failingFor, firstPause), lastPause, max(left/4, shortest)))
}

// reached reports whether a time has come that was at most so far ahead when it was
// set. One that is further ahead now was set before the clock was put back; it would
// not come for as long as the clock had been wrong, which may be years.
func reached(at, now time.Time, most time.Duration) bool {
	now = now.Round(0)
	return !now.Before(at) || at.After(now.Add(most))
}

// sooner takes away up to a twentieth, so that answers which came together are
// not asked for together.
func sooner(d time.Duration) time.Duration { return d - spread(d/20) }

// later adds up to a tenth.
func later(d time.Duration) time.Duration { return d + spread(d/10) }

func spread(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d)
}
