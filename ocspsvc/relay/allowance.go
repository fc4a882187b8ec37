package relay

import (
	"sync"
	"time"
)

// allowanceSaved is how many seconds' worth of an allowance can be saved up.
const allowanceSaved = 10

// tellAgain is how long nobody is told again that an allowance is used up.
const tellAgain = time.Hour

// allowance is how often something may happen: so many times in a second.
type allowance struct {
	rate float64

	mu   sync.Mutex // guards the rest
	left float64    // at that time
	at   time.Time
	told time.Time // when somebody was told last that nothing is left
}

func newAllowance(rate int) *allowance {
	return &allowance{rate: float64(rate), left: allowanceSaved * float64(rate)}
}

// some reports whether anything is left.
func (a *allowance) some(now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refill(now)
	return a.left >= 1
}

// spend takes one, also on credit.
func (a *allowance) spend(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refill(now)
	a.left--
}

// take is spend if anything is left.
func (a *allowance) take(now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.refill(now); a.left < 1 {
		return false
	}
	a.left--
	return true
}

// wait takes one, also on credit, and returns for how long that one has to wait for
// its turn.
func (a *allowance) wait(now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refill(now)
	a.left--
	return max(0, time.Duration(-a.left/a.rate*float64(time.Second)))
}

// refill wants a.mu held. By the monotonic clock: steps of the other do not count.
func (a *allowance) refill(now time.Time) {
	if passed := now.Sub(a.at); !a.at.IsZero() && passed > 0 {
		a.left = min(a.left+passed.Seconds()*a.rate, allowanceSaved*a.rate)
	}
	a.at = now
}

// tell reports whether it is time to tell somebody that nothing is left.
func (a *allowance) tell(now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.told.IsZero() && now.Sub(a.told) < tellAgain {
		return false
	}
	a.told = now
	return true
}
