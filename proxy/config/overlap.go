package config

import "net/netip"

// checkOverlap refuses a port that is bound for all addresses and for one.
func (b *builder) checkOverlap() {
	byPort := map[int][]*listener{}
	for _, l := range b.listeners {
		for _, other := range byPort[l.port] {
			if overlap(l.host, other.host) || overlap(other.host, l.host) {
				b.problem(l.tok, "%s is part of %s, which the site at %s listens on: bind both or neither", l.address(), other.address(), other.tok.Pos)
				break
			}
		}
		byPort[l.port] = append(byPort[l.port], l)
	}
}

// overlap tells whether listening on all takes one, too.
func overlap(all, one string) bool {
	if all == "" || all == "::" {
		return all != one
	}
	addr, err := netip.ParseAddr(one)
	return all == "0.0.0.0" && err == nil && addr.Is4() && one != all
}
