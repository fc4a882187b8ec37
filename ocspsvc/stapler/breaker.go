package stapler

import (
	"context"
	"errors"
	"time"

	"dwaar/ocspsvc"
)

// breaker keeps the certificates of a dead responder from taking the turns of
// others. It is closed, open until a time, or, once that has come, half open:
// one round probes, and its outcome closes the breaker or opens it for longer.
// It is guarded by Service.mu.
type breaker struct {
	strikes int
	since   time.Time // of the first strike in a row
	until   time.Time // zero while closed
}

// strikesToOpen opens the breaker. Silence counts as many, since it costs the
// worker's time; an answer that is of no use may be about one certificate.
const strikesToOpen = 3

// strikes is how much an error says that its responder is of no use to anyone.
func strikes(err error) int {
	var wait retryAfter
	if errors.As(err, &wait) && wait.RetryAfter() > 0 {
		return strikesToOpen
	}
	switch reasonOf(err) {
	case ocspsvc.ReasonTimeout, ocspsvc.ReasonUnreachable, ocspsvc.ReasonBlockedAddress:
		return strikesToOpen
	case ocspsvc.ReasonUnknown:
		return 0
	}
	return 1
}

func (b *breaker) closed() bool { return b.until.IsZero() }

// lets reports whether a round may go ahead at now.
func (b *breaker) lets(now time.Time) bool { return b.closed() || !now.Before(b.until) }

// succeed closes the breaker.
func (b *breaker) succeed() { *b = breaker{} }

// fail counts strikes, and opens the breaker if there are enough of them, for
// a pause that depends on how long the responder has been failing.
func (b *breaker) fail(now time.Time, strikes int, pause func(failingFor time.Duration) time.Duration) {
	if b.strikes == 0 {
		b.since = now.Round(0)
	}
	b.strikes = min(b.strikes+strikes, strikesToOpen)
	if b.strikes == strikesToOpen {
		b.until = now.Add(pause(now.Sub(b.since))).Round(0)
	}
}

// probeNow makes an open breaker half open: what it waited for may have been
// mended by hand.
func (b *breaker) probeNow(now time.Time) {
	if !b.closed() && now.Before(b.until) {
		b.until = now.Round(0)
	}
}

// retryAfterOf is the Retry-After that err carries, or 0.
func retryAfterOf(err error) time.Duration {
	var wait retryAfter
	if errors.As(err, &wait) {
		return wait.RetryAfter()
	}
	return 0
}

// ended reports whether a round failed because its caller gave up, which says
// nothing about the responder.
func ended(ctx context.Context) bool { return ctx.Err() != nil }
