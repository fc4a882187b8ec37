package match

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"dwaar/proxy/request"
)

// Networks are addresses and networks as they are written: "10.0.0.0/8",
// "2001:db8::1", or "private_ranges" for those of privateRanges.
type Networks []string

// privateRanges are the networks that are not reached from the Internet.
func privateRanges() []string {
	return []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "fd00::/8", "::1/128"}
}

// NetworkSet is a compiled [Networks].
type NetworkSet []netip.Prefix

// Compile checks every network.
func (n Networks) Compile() (NetworkSet, error) {
	var set NetworkSet
	for _, written := range n {
		if written == "private_ranges" {
			for _, network := range privateRanges() {
				set = append(set, netip.MustParsePrefix(network))
			}
			continue
		}
		prefix, err := parseNetwork(written)
		if err != nil {
			return nil, err
		}
		set = append(set, prefix)
	}
	return set, nil
}

// Contains reports whether one of the networks has addr. IPv4 addresses in
// their IPv6 form are IPv4 addresses; zones are left aside.
func (s NetworkSet) Contains(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	for _, prefix := range s {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

func parseNetwork(written string) (netip.Prefix, error) {
	if !strings.Contains(written, "/") {
		addr, err := netip.ParseAddr(written)
		if err != nil || addr.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%q is not an IP address, a network like 10.0.0.0/8, or private_ranges", written)
		}
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(written)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is not a network like 10.0.0.0/8", written)
	}
	if prefix.Addr().Is4In6() {
		if prefix.Bits() < 96 {
			return netip.Prefix{}, fmt.Errorf("%q is more than the IPv4 addresses in IPv6: write IPv4 and IPv6 networks each in their own form", written)
		}
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
	}
	return prefix.Masked(), nil
}

// addressTests compile RemoteIP, who is connected, and ClientIP, who asks.
func (s Set) addressTests() ([]test, error) {
	var tests []test
	for _, part := range []struct {
		name     string
		networks Networks
		address  func(*http.Request) netip.Addr
	}{
		{"remote_ip", s.RemoteIP, remoteAddr},
		{"client_ip", s.ClientIP, func(r *http.Request) netip.Addr { return request.Of(r).ClientIP }},
	} {
		set, err := part.networks.Compile()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", part.name, err)
		}
		if len(set) > 0 {
			tests = append(tests, func(r *http.Request) bool { return set.Contains(part.address(r)) })
		}
	}
	return tests, nil
}

func remoteAddr(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return peer.Addr()
}
