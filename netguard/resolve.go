package netguard

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
)

// maxAddrs bounds what one name may resolve to; DNS answers can hold hundreds.
const maxAddrs = 16

// Resolve returns the addresses of host that may be dialled, in the resolver's
// order, without duplicates, at most 16. A blocked address among good ones is
// left out; when there are only blocked ones the error is the *BlockedError of
// the first (N3). A literal address resolves to itself.
//
// The answer is for now: dial it with [WithAddr], or let DialContext resolve.
func (g *Guard) Resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	found, err := g.lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	var open []netip.Addr
	var refused error
	for _, addr := range found {
		if err := g.CheckAddr(host, addr); err != nil {
			if refused == nil {
				refused = err
			}
			continue
		}
		addr = addr.Unmap()
		if !slices.Contains(open, addr) && len(open) < maxAddrs {
			open = append(open, addr)
		}
	}
	if len(open) == 0 {
		return nil, refused
	}
	return open, nil
}

// lookup finds at least one address, unchecked.
func (g *Guard) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	h, err := parseHost(host)
	if err != nil {
		return nil, fmt.Errorf("resolving: %w", err)
	}
	if h.addr.IsValid() {
		return []netip.Addr{h.addr}, nil
	}
	found, err := g.resolver.LookupNetIP(ctx, "ip", h.name)
	if err != nil {
		return nil, fmt.Errorf("resolving %s: %w", host, err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("resolving %s: no addresses", host)
	}
	return found, nil
}
