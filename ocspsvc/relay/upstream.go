package relay

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"dwaar/ocspsvc"
)

// errResting is why nobody is asked for a while.
var errResting = errors.New("the responder is left alone because it fails")

// upstream is how it stands with an authority's responder. One that is silent
// is left alone for a while, longer each time; then one request probes it.
type upstream struct {
	mu      sync.Mutex // guards the rest
	since   time.Time  // of the first failure in a row; zero if it works
	until   time.Time  // when it is asked again
	probing bool
	err     error // the last one
}

// admit lets a request through, or returns errResting.
func (u *upstream) admit(now time.Time) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.since.IsZero() {
		return nil
	}
	if u.probing || !reached(u.until, now, longest) {
		return fmt.Errorf("%w: %w", errResting, u.err)
	}
	u.probing = true
	return nil
}

// rests reports whether nobody is to be asked now.
func (u *upstream) rests(now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return !u.since.IsZero() && (u.probing || !reached(u.until, now, longest))
}

// resting is until when nobody is asked.
func (u *upstream) resting() time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.until
}

// note hears how an admitted request went, and reports whether that changed
// what is known: the responder went down, or came back.
func (u *upstream) note(err error, now time.Time) (down, up bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.probing = false
	if !silent(err) {
		up = !u.since.IsZero()
		u.since, u.until, u.err = time.Time{}, time.Time{}, nil
		return false, up
	}
	if down = u.since.IsZero(); down {
		u.since = now.Round(0)
	}
	u.err = err
	u.until = now.Round(0).Add(max(pause(now.Sub(u.since), 0), min(wishOf(err), longest)))
	return down, false
}

// release takes back admit: nothing was learned.
func (u *upstream) release() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.probing = false
}

// state is what Status says.
func (u *upstream) state() (since time.Time, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.since, u.err
}

// silent reports whether an error says that a responder is of no use to anyone,
// now: it does not answer, or wants to be left alone.
func silent(err error) bool {
	switch ocspsvc.ReasonOf(err) {
	case ocspsvc.ReasonTimeout, ocspsvc.ReasonUnreachable, ocspsvc.ReasonBlockedAddress:
		return true
	}
	return wishOf(err) > 0
}

// wishOf is for how long a responder wants to be left alone.
func wishOf(err error) time.Duration {
	var wish interface{ RetryAfter() time.Duration }
	if errors.As(err, &wish) {
		return wish.RetryAfter()
	}
	return 0
}
