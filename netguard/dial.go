package netguard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// dialTimeout bounds a dial over all addresses. An http.Transport detaches its
// dials from the request's deadline, so that the context alone does not.
const dialTimeout = 10 * time.Second

// patience is how long a silent address may hold up the next one.
const patience = 3 * time.Second

type pinKey struct{}

type pin struct {
	host string // normalised by hostKey
	addr netip.Addr
}

// WithAddr pins a host to one of its addresses: under the context returned,
// DialContext dials host at addr and does not resolve it. Other hosts, as a
// redirect may bring, resolve as usual. The address is checked like any other.
// It lets a client try a whole exchange on every address in turn, so that one
// that accepts and then fails does not hide the next.
func WithAddr(ctx context.Context, host string, addr netip.Addr) context.Context {
	return context.WithValue(ctx, pinKey{}, pin{hostKey(host), addr})
}

// DialContext connects to address, a host and port, over network "tcp", "tcp4"
// or "tcp6". It resolves the host, drops the blocked addresses and dials the
// others one by one as literals, so no second lookup can bring in another
// address (N3). The time left in ctx, at most 10 s, is divided over the
// addresses left, and none but the last gets more than 3 s, so that a silent
// one leaves time for the next. When all are blocked the error is a
// *BlockedError and nothing was dialled.
func (g *Guard) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("dialling %q: %w", address, err)
	}
	if !validPort(port) {
		return nil, fmt.Errorf("dialling %q: port is not between 1 and 65535", address)
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	addrs, err := g.targets(ctx, network, host)
	if err != nil {
		return nil, err
	}
	return g.dialAny(ctx, network, addrs, port)
}

// targets are the addresses to dial for host, all of them checked.
func (g *Guard) targets(ctx context.Context, network, host string) ([]netip.Addr, error) {
	if p, ok := ctx.Value(pinKey{}).(pin); ok && p.host == hostKey(host) {
		return []netip.Addr{p.addr}, g.CheckAddr(host, p.addr)
	}
	addrs, err := g.Resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	return ofFamily(network, host, addrs)
}

func ofFamily(network, host string, addrs []netip.Addr) ([]netip.Addr, error) {
	var fit []netip.Addr
	for _, addr := range addrs {
		if network == "tcp" || network == "tcp4" && addr.Is4() || network == "tcp6" && addr.Is6() {
			fit = append(fit, addr)
		}
	}
	if len(fit) == 0 {
		return nil, fmt.Errorf("dialling %s: no address for network %q", host, network)
	}
	return fit, nil
}

// dialAny returns the first connection, or the error of every address.
func (g *Guard) dialAny(ctx context.Context, network string, addrs []netip.Addr, port string) (net.Conn, error) {
	var failed []error
	for i, addr := range addrs {
		conn, err := g.dialOne(ctx, network, addr, port, len(addrs)-i)
		if err == nil {
			return conn, nil
		}
		failed = append(failed, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(failed...)
}

// dialOne spends at most its share of the time on addr, shares being the
// number of addresses not yet tried.
func (g *Guard) dialOne(ctx context.Context, network string, addr netip.Addr, port string, shares int) (net.Conn, error) {
	deadline, _ := ctx.Deadline()
	share := time.Until(deadline) / time.Duration(shares)
	if shares > 1 {
		share = min(share, patience)
	}
	ctx, cancel := context.WithTimeout(ctx, share)
	defer cancel()
	conn, err := g.dial(ctx, network, net.JoinHostPort(addr.String(), port))
	if err != nil {
		return nil, fmt.Errorf("dialling %s: %w", addr, err)
	}
	return conn, nil
}
