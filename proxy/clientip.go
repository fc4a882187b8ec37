package proxy

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/textproto"
	"strings"
)

// maxForwarded bounds how many addresses of a request are looked at.
const maxForwarded = 100

// defaultClientIPHeader is the field that proxies name their client in.
const defaultClientIPHeader = "X-Forwarded-For"

// Trust says whose word is taken for who the client is. Zero trusts nobody: the
// client is the peer.
type Trust struct {
	// Proxies are the networks of the proxies in front of dwaar.
	Proxies []netip.Prefix `json:"proxies,omitempty"`
	// Headers are the fields in which they name the client, the first one that
	// does counts. Empty means X-Forwarded-For.
	Headers []string `json:"headers,omitempty"`
	// Strict takes the right-most address that is no proxy's: what stands left
	// of it is the client's own word. Otherwise it is the left-most one, which
	// is for proxies that throw away what the client sent.
	Strict bool `json:"strict,omitempty"`
}

func (t Trust) check() error {
	var problems []error
	if len(t.Proxies) == 0 && (len(t.Headers) > 0 || t.Strict) {
		problems = append(problems, errors.New("trust: there are no trusted proxies that its options could be for"))
	}
	for _, p := range t.Proxies {
		if !p.IsValid() {
			problems = append(problems, fmt.Errorf("trust: %v is not a network", p))
		}
	}
	for _, h := range t.Headers {
		if h == "" || strings.ContainsAny(h, " :\t") {
			problems = append(problems, fmt.Errorf("trust: %q is not the name of a header field", h))
		}
	}
	return errors.Join(problems...)
}

// clientIP finds out who stands behind a peer.
type clientIP struct {
	proxies []netip.Prefix
	headers []string // in canonical form
	strict  bool
}

// compile is nil for a trust in nobody.
func (t Trust) compile() *clientIP {
	if len(t.Proxies) == 0 {
		return nil
	}
	c := &clientIP{strict: t.Strict}
	for _, p := range t.Proxies {
		c.proxies = append(c.proxies, unmapped(p))
	}
	for _, h := range t.Headers {
		c.headers = append(c.headers, textproto.CanonicalMIMEHeaderKey(h))
	}
	if len(c.headers) == 0 {
		c.headers = []string{defaultClientIPHeader}
	}
	return c
}

// unmapped is p as a network of IPv4 addresses if it is one in IPv6's clothes.
func unmapped(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96).Masked()
	}
	return p.Masked()
}

// trusts reports whether addr is one of the proxies'. It has no zone.
func (c *clientIP) trusts(addr netip.Addr) bool {
	for _, p := range c.proxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// of is who sent a request that came from a trusted peer: the peer itself if
// nothing tells.
func (c *clientIP) of(peer netip.Addr, h http.Header) netip.Addr {
	for _, name := range c.headers {
		values := h[name]
		if len(values) == 0 {
			continue
		}
		if c.strict {
			return c.rightmost(peer, values)
		}
		if addr, ok := leftmost(values); ok {
			return addr
		}
	}
	return peer
}

// rightmost goes from the peer towards the client, as long as it meets proxies.
// Something that is no address was not put there by a proxy that knows its
// client: the one after it is the last that is known.
func (c *clientIP) rightmost(peer netip.Addr, values []string) netip.Addr {
	known, looked := peer, 0
	for i := len(values) - 1; i >= 0; i-- {
		for rest, more := values[i], true; more; looked++ {
			var element string
			if comma := strings.LastIndexByte(rest, ','); comma >= 0 {
				rest, element = rest[:comma], rest[comma+1:]
			} else {
				element, more = rest, false
			}
			addr, ok := parseForwarded(element)
			if !ok || looked == maxForwarded {
				return known
			}
			if known = addr; !c.trusts(addr) {
				return addr
			}
		}
	}
	return known
}

// leftmost is the first address that stands there.
func leftmost(values []string) (netip.Addr, bool) {
	looked := 0
	for _, value := range values {
		for element := range strings.SplitSeq(value, ",") {
			if looked++; looked > maxForwarded {
				return netip.Addr{}, false
			}
			if addr, ok := parseForwarded(element); ok {
				return addr, true
			}
		}
	}
	return netip.Addr{}, false
}

// parseForwarded reads an address as proxies write it: 192.0.2.1,
// 192.0.2.1:4711, 2001:db8::1, [2001:db8::1] or [2001:db8::1]:4711. A zone
// means nothing to anybody but the writer and is dropped.
func parseForwarded(text string) (netip.Addr, bool) {
	text = strings.Trim(text, " \t")
	if len(text) > len("[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255%0123456789abcdef]:65535") {
		return netip.Addr{}, false
	}
	switch {
	case strings.HasPrefix(text, "["):
		inside, after, closed := strings.Cut(text[1:], "]")
		if !closed || after != "" && !isPort(after) {
			return netip.Addr{}, false
		}
		text = inside
	case strings.Count(text, ":") == 1:
		host, _, _ := strings.Cut(text, ":")
		if !isPort(text[len(host):]) {
			return netip.Addr{}, false
		}
		text = host
	}
	addr, err := netip.ParseAddr(text)
	return addr.WithZone("").Unmap(), err == nil
}

// isPort reads ":4711".
func isPort(text string) bool {
	if len(text) < 2 || len(text) > 6 || text[0] != ':' {
		return false
	}
	for i := 1; i < len(text); i++ {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return true
}
