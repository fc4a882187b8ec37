package proxy

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// Whatever is said, a client is an address without zone, and never one of the
// proxies as long as something else was said by them.
func FuzzClientIP(f *testing.F) {
	for _, seed := range []string{"192.0.2.1", "6.6.6.6, 10.0.0.1:80", "[2001:db8::1%eth0]:443,unknown", ",,,", "::ffff:10.0.0.1, 1"} {
		f.Add(seed, seed)
	}
	networks := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	peer := netip.MustParseAddr("10.0.0.9")
	f.Fuzz(func(t *testing.T, first, second string) {
		h := http.Header{"X-Forwarded-For": {first, second}}
		for _, strict := range []bool{false, true} {
			c := Trust{Proxies: networks, Strict: strict}.compile()
			got := c.of(peer, h)
			if !got.IsValid() || got.Zone() != "" || got.Is4In6() {
				t.Errorf("strict %v: %v", strict, got)
			}
			last := second[strings.LastIndexByte(second, ',')+1:]
			if addr, err := netip.ParseAddr(last); strict && err == nil && addr.Is4() && !c.trusts(addr) && got != addr {
				t.Errorf("%v is said to be the client by the proxy, and not %v", addr, got)
			}
		}
	})
}
