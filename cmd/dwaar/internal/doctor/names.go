package doctor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"

	"dwaar/acme/issuing"
)

// names looks up those that an ACME CA is to certify: without an address neither
// the CA nor anybody else comes here.
func (e *examination) names(ctx context.Context) []Finding {
	names, left := e.certified()
	own := ownAddresses()
	here, elsewhere := &seen{}, &seen{}
	found := each(names, func(name string) []Finding {
		addrs, err := e.resolver().LookupNetIP(ctx, "ip", name)
		var no *net.DNSError
		switch {
		case errors.As(err, &no) && no.IsNotFound:
			return []Finding{warn("name "+name, "has no address (A, AAAA), so neither a CA nor anybody else finds this machine by it: add it to the DNS, or wait until it is known everywhere")}
		case err != nil:
			return []Finding{warn("name "+name, "cannot be looked up: %v", err)}
		case slices.ContainsFunc(addrs, func(a netip.Addr) bool { return own[a.Unmap()] }):
			here.first(name)
		default:
			elsewhere.first(name)
		}
		return nil
	})
	if len(here.set) > 0 {
		found = append(found, ok("names", "%s to an address of this machine", leads(here)))
	}
	if len(elsewhere.set) > 0 {
		found = append(found, ok("names", "%s to an address that this machine does not have itself: as it should be behind NAT or a load balancer, and otherwise wrong", leads(elsewhere)))
	}
	if left > 0 {
		found = append(found, ok("names", "%d more were not looked up", left))
	}
	return found
}

// certified are the names that somebody must find, and how many more there are.
func (e *examination) certified() (names []string, left int) {
	if e.Inspection.Config == nil {
		return nil, 0
	}
	for _, p := range e.Inspection.Config.ACME.Policies { // on demand there are patterns
		if !slices.ContainsFunc(p.Issuers, func(i issuing.IssuerConfig) bool { return i.CA != issuing.Internal }) {
			continue
		}
		for _, name := range p.Names {
			switch {
			case strings.HasPrefix(name, "*."):
			case len(names) == most:
				left++
			default:
				names = append(names, name)
			}
		}
	}
	return names, left
}

// leads says which names lead somewhere, the first few by name.
func leads(s *seen) string {
	all := slices.Sorted(maps.Keys(s.set))
	const named = 5
	switch n := len(all); {
	case n == 1:
		return all[0] + " leads"
	case n > named:
		return fmt.Sprintf("%s and %d more lead", strings.Join(all[:named], ", "), n-named)
	}
	return strings.Join(all, ", ") + " lead"
}

// ownAddresses are those of this machine's interfaces.
func ownAddresses() map[netip.Addr]bool {
	own := map[netip.Addr]bool{}
	addrs, _ := net.InterfaceAddrs() // without them, every name leads elsewhere
	for _, a := range addrs {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil {
			own[prefix.Addr().Unmap()] = true
		}
	}
	return own
}
