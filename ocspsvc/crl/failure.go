package crl

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"dwaar/netguard"
	"dwaar/ocspsvc"
)

// refuse makes an *ocspsvc.Error.
func refuse(reason ocspsvc.Reason, format string, args ...any) *ocspsvc.Error {
	return &ocspsvc.Error{Reason: reason, Err: fmt.Errorf(format, args...)}
}

// networkError gives the failure of a lookup, dial or exchange its word.
func networkError(ctx context.Context, err error) *ocspsvc.Error {
	reason := ocspsvc.ReasonUnreachable
	var slow net.Error
	switch {
	case errors.As(err, new(*netguard.BlockedError)), errors.As(err, new(*netguard.URLError)):
		reason = ocspsvc.ReasonBlockedAddress
	case ctx.Err() != nil, errors.As(err, &slow) && slow.Timeout():
		reason = ocspsvc.ReasonTimeout
	}
	if ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
		err = fmt.Errorf("%w: %w", ctx.Err(), err) // the connection was closed because of it
	}
	return &ocspsvc.Error{Reason: reason, Err: err}
}

// laterError is a failure with the server's wish to be left alone.
type laterError struct {
	error
	after time.Duration
}

func (e *laterError) Unwrap() error { return e.error }

// retryAfterOf is the Retry-After that err carries, or 0.
func retryAfterOf(err error) time.Duration {
	var later *laterError
	if errors.As(err, &later) {
		return later.after
	}
	return 0
}
