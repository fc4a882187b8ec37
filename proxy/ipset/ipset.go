// Package ipset says of addresses whether they are allowed, by the smallest network that has
// them.
package ipset

import (
	"net/netip"
	"slices"
	"sort"
)

// Set is a compiled list of networks. It does not change.
type Set struct {
	otherwise bool
	v4, v6    []stretch // sorted
}

// stretch is the addresses from one on up to the next stretch.
type stretch struct {
	from    netip.Addr
	allowed bool
}

// network is a masked prefix and what is said of it.
type network struct {
	netip.Prefix
	allowed bool
}

// New returns the set of these networks. Otherwise holds for addresses in none of them. A
// network in both lists is denied.
func New(otherwise bool, allow, deny []netip.Prefix) *Set {
	s := &Set{otherwise: otherwise}
	var v4, v6 []network
	for _, list := range []struct {
		networks []netip.Prefix
		allowed  bool
	}{{allow, true}, {deny, false}} {
		for _, p := range list.networks {
			if n := (network{p.Masked(), list.allowed}); p.Addr().Is4() {
				v4 = append(v4, n)
			} else {
				v6 = append(v6, n)
			}
		}
	}
	s.v4, s.v6 = cut(v4, otherwise), cut(v6, otherwise)
	return s
}

// cut turns networks, which lie in each other or apart, into stretches beside each other.
func cut(networks []network, otherwise bool) []stretch {
	slices.SortStableFunc(networks, func(a, b network) int {
		if order := a.Addr().Compare(b.Addr()); order != 0 {
			return order
		}
		return a.Bits() - b.Bits()
	})
	var stretches []stretch
	begin := func(from netip.Addr, allowed bool) {
		if last := len(stretches) - 1; last >= 0 && stretches[last].from == from {
			stretches[last].allowed = allowed
			return
		}
		stretches = append(stretches, stretch{from, allowed})
	}
	var around []network // those that the next one may lie in, the smallest last
	leave := func() {
		ended := around[len(around)-1]
		around = around[:len(around)-1]
		after := otherwise
		if len(around) > 0 {
			after = around[len(around)-1].allowed
		}
		if next := last(ended.Prefix).Next(); next.IsValid() {
			begin(next, after)
		}
	}
	for _, n := range networks {
		for len(around) > 0 && !around[len(around)-1].Contains(n.Addr()) {
			leave()
		}
		begin(n.Addr(), n.allowed)
		around = append(around, n)
	}
	for len(around) > 0 {
		leave()
	}
	return stretches
}

// last is the highest address of p.
func last(p netip.Prefix) netip.Addr {
	octets := p.Addr().As16()
	first := 128 - p.Addr().BitLen() + p.Bits()
	for bit := first; bit < 128; bit++ {
		octets[bit/8] |= 0x80 >> (bit % 8)
	}
	addr := netip.AddrFrom16(octets)
	if p.Addr().Is4() {
		return addr.Unmap()
	}
	return addr
}

// Allows reports whether addr is allowed. IPv4 addresses in their IPv6 form are IPv4
// addresses; zones are left aside. It allocates nothing.
func (s *Set) Allows(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	stretches := s.v6
	if addr.Is4() {
		stretches = s.v4
	}
	i := sort.Search(len(stretches), func(i int) bool { return addr.Less(stretches[i].from) })
	if i == 0 || !addr.IsValid() {
		return s.otherwise
	}
	return stretches[i-1].allowed
}
