package doctor

import (
	"context"
	"errors"
	"net"
	"slices"
	"syscall"

	"dwaar/proxy"
	"dwaar/proxy/admin"
)

// ports says of each listener whether it can listen.
func (e *examination) ports(ctx context.Context) (found []Finding) {
	cfg := e.Inspection.Config
	if cfg == nil {
		return nil
	}
	for _, l := range cfg.HTTP.Listeners {
		found = append(found, e.port(ctx, l, cfg.HTTP.Free(l)))
	}
	return found
}

func (e *examination) port(ctx context.Context, l proxy.Listener, err error) Finding {
	what := "port " + l.Address
	switch {
	case err == nil:
		return ok(what, "is free")
	case errors.Is(err, syscall.EADDRINUSE):
		return e.taken(ctx, what, l.Address, err)
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return fail(what, "%v: this user may not have ports this low: setcap cap_net_bind_service=+ep on the binary, or have systemd give the right (AmbientCapabilities=CAP_NET_BIND_SERVICE, as in docs/dwaar.service), or write higher ones (http_port, https_port)", err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fail(what, "%v: this machine does not have the address: look at bind and default_bind, and at `ip address`", err)
	}
	return fail(what, "%v", err)
}

// taken says who has a port.
func (e *examination) taken(ctx context.Context, what, address string, err error) Finding {
	status, unasked := e.status(ctx)
	_, port, _ := net.SplitHostPort(address)
	if unasked == nil {
		if slices.Contains(status.Listeners, address) {
			return ok(what, "is held by the dwaar that runs")
		}
		for _, held := range status.Listeners {
			if _, same, _ := net.SplitHostPort(held); same == port {
				return fail(what, "the dwaar that runs holds it as %s, and can change that only by a restart", held)
			}
		}
	}
	if unasked != nil && !errors.Is(unasked, admin.ErrNotRunning) {
		return warn(what, "%v: whether it is dwaar that holds it could not be asked", err)
	}
	return fail(what, "%v: another program has it, or a dwaar with another data directory: see who (ss -lntup 'sport = :%s') and stop it, or write another port", err, port)
}
