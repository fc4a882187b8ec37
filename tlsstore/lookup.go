package tlsstore

import (
	"crypto/tls"
	"net/netip"
	"strings"
	"time"
)

// find returns the alternatives of a name in normal form: those of the name itself, or of the
// wildcard for its left-most label. Nil if there are none.
func (s *sites) find(name string) []candidate {
	if list, ok := s.exact[name]; ok {
		return list
	}
	if _, parent, ok := strings.Cut(name, "."); ok {
		if list, ok := s.wildcard[parent]; ok {
			return list
		}
	}
	if len(s.ips) > 0 && mayBeAddress(name) {
		if ip, err := netip.ParseAddr(name); err == nil {
			return s.ips[ip] // some clients send the address as a name
		}
	}
	return nil
}

// findOrOther is find, or the site for everything else.
func (s *sites) findOrOther(name string) []candidate {
	if list := s.find(name); list != nil {
		return list
	}
	return s.other
}

// lookup returns the alternatives for what a client sent as SNI on a connection to local, and
// the name they are for: its own or default_sni. The order is: the name (without SNI: the
// address), default_sni without SNI, the listener's site for everything, default_sni. Bytes
// that are no name have none.
func (x *index) lookup(listener, sni string, local netip.Addr) (list []candidate, name string) {
	s := x.listeners[listener]
	if s == nil {
		return nil, ""
	}
	if sni == "" {
		if list, ok := s.ips[local]; ok {
			return list, ""
		}
		return s.findOrOther(x.cfg.DefaultSNI), x.cfg.DefaultSNI
	}
	name, ok := normalName(sni)
	if !ok {
		return nil, ""
	}
	if list := s.findOrOther(name); list != nil {
		return list, name
	}
	return s.find(x.cfg.DefaultSNI), x.cfg.DefaultSNI
}

// demands reports whether a listener gets the certificate of a name on demand, and the rules
// of all that do.
func (x *index) demands(name string) (covered bool, all rules) {
	for _, s := range x.listeners {
		list := s.findOrOther(name)
		switch {
		case !onDemand(list):
		case covered:
			all = all.and(list[0].rules)
		default:
			covered, all = true, list[0].rules
		}
	}
	return covered, all
}

// Lookup returns what a client that sends sni would be shown by a listener, staple included,
// or nil if it would be refused or the certificate is not in memory. It changes nothing.
func (s *Store) Lookup(listener, sni string) *tls.Certificate {
	x, now := s.current.Load(), time.Now()
	list, name := x.lookup(listener, sni, netip.Addr{})
	if len(list) == 0 {
		return nil
	}
	c := list[0]
	if c.entry == nil {
		c.entry = s.demanded.peek(name, now)
	}
	if c.entry == nil || c.entry.refusal(x.cfg, c.rules, now) != "" {
		return nil
	}
	return c.entry.state.Load().certificate(now, c.ocspOff)
}

// localAddr is the address the client connected to.
func localAddr(hello *tls.ClientHelloInfo) netip.Addr {
	if hello.ServerName != "" || hello.Conn == nil {
		return netip.Addr{}
	}
	if addr, ok := hello.Conn.LocalAddr().(interface{ AddrPort() netip.AddrPort }); ok {
		return addr.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}
