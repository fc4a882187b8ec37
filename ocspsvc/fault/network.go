package fault

import (
	"context"
	"errors"
	"fmt"
	"net"

	"dwaar/netguard"
	"dwaar/ocspsvc"
)

// Network gives the failure of a lookup, dial or exchange, which ctx bounded,
// its word: blocked_address, timeout or unreachable.
func Network(ctx context.Context, err error) *ocspsvc.Error {
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
