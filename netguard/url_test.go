package netguard_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"

	"dwaar/netguard"
)

func TestPlainURLsPassUnchanged(t *testing.T) {
	for _, raw := range []string{
		"http://ocsp.example.com",
		"http://ocsp.example.com/",
		"HTTP://OCSP.example.com/",
		"https://ocsp.example.com/path//with/slashes?ca=1&x=%20y",
		"http://ocsp.example.com:8080/",
		"http://ocsp.example.com:/",
		"http://ocsp.example.com./",
		"http://ocsp_1.corp/",
		"http://localhost:9000/",
		"http://xn--bcher-kva.example/",
		"http://8.8.8.8/",
		"http://127.0.0.1/", // refused where it is dialled, so that the refusal has a category
		"http://[2606:4700::1111]:8080/x",
		"http://[::ffff:127.0.0.1]/",
	} {
		u, err := newGuard(t, nil).CheckURL(raw)
		if err != nil {
			t.Errorf("CheckURL(%q): %v", raw, err)
			continue
		}
		if got := u.String(); !strings.EqualFold(got, raw) {
			t.Errorf("CheckURL(%q) = %q, want it unchanged", raw, got)
		}
	}
}

func TestURLsOfOtherFormsAreRefused(t *testing.T) {
	for _, tt := range []struct{ raw, problem string }{
		{"", `scheme "" is neither`},
		{"ocsp.example.com/x", `scheme "" is neither`},
		{"//ocsp.example.com/x", `scheme "" is neither`},
		{"ldap://dir.example/cn=x", `scheme "ldap" is neither`},
		{"file:///etc/passwd", `scheme "file" is neither`},
		{"gopher://ocsp.example/", `scheme "gopher" is neither`},
		{"http:ocsp.example.com", "no // behind the scheme"},
		{"http:///path", "empty name"},
		{"http://:8080/", "empty name"},
		{"http://user@ocsp.example/", "has user information"},
		{"http://user:pass@ocsp.example/", "has user information"},
		{"http://@ocsp.example/", "has user information"},
		{"http://ocsp.example@127.0.0.1/", "has user information"},
		{"http://ocsp.example/#f", "has a fragment"},
		{"http://ocsp.example/#", "has a fragment"},
		{"http://ocsp.example/a b", "control character, a space"},
		{"http://ocsp.example/\r\nHost: x", "control character"},
		{"http://ocsp.example/\x00", "control character"},
		{"http://ocsp.example/\x7f", "control character"},
		{"http://ocsp.example/\u0085", "non-ASCII"},
		{" http://ocsp.example/", "a space"},
		{"http://１２７.0.0.1/", "non-ASCII"},
		{"http://ocsp.example:0/", "not between 1 and 65535"},
		{"http://ocsp.example:65536/", "not between 1 and 65535"},
		{"http://ocsp.example:99999999999999999999/", "not between 1 and 65535"},
		{"http://ocsp.example:http/", "invalid port"},
		{"http://ocsp.example:-1/", "invalid port"},
		{"http://ocsp.example/%zz", "invalid URL escape"},
		{"http://%31%32%37.0.0.1/", "invalid URL escape"},
		{"http://0x7f.1/", "ends in a number"},
		{"http://0x7f000001/", "ends in a number"},
		{"http://0x/", "ends in a number"},
		{"http://2130706433/", "ends in a number"},
		{"http://0177.0.0.1/", "ends in a number"},
		{"http://127.1/", "ends in a number"},
		{"http://127.1./", "ends in a number"},
		{"http://127.0.0.0x1/", "ends in a number"},
		{"http://256.256.256.256/", "ends in a number"},
		{"http://127.0.0.1../", "label is empty"},
		{"http://.ocsp.example/", "label is empty"},
		{"http://[fe80::1%25eth0]/", "has a zone id"},
		{"http://[fe80::1%eth0]/", "invalid"},
		{"http://[::1/", "missing ']'"},
		{"http://ocsp,example/", "only letters"},
		{"http://ocsp\\@127.0.0.1/", "invalid"},
		{"http://" + strings.Repeat("a.", 127) + "example/", "longer than 253 bytes"},
		{"http://ocsp.example/" + strings.Repeat("a", 4096), "longer than 4096 bytes"},
	} {
		_, err := newGuard(t, nil).CheckURL(tt.raw)
		var refused *netguard.URLError
		if !errors.As(err, &refused) {
			t.Errorf("CheckURL(%q) = %v, want a *URLError", tt.raw, err)
			continue
		}
		if !strings.Contains(refused.Problem, tt.problem) {
			t.Errorf("CheckURL(%q): %v, want %q", tt.raw, err, tt.problem)
		}
		if len(err.Error()) > 400 || strings.ContainsAny(err.Error(), "\x00\r\n") {
			t.Errorf("CheckURL(%q): the message is not fit for a log: %v", tt.raw, err)
		}
	}
}

func TestBracketsAreForIPv6Addresses(t *testing.T) {
	for _, raw := range []string{"http://[127.0.0.1]/", "http://[ocsp.example]/"} {
		if _, err := newGuard(t, nil).CheckURL(raw); err == nil {
			t.Errorf("CheckURL(%q) is accepted", raw)
		}
	}
}

// echoResolver resolves as leniently as the worst libc: whatever reads as a
// number becomes that address, everything else becomes loopback.
type echoResolver struct{}

func (echoResolver) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(strings.Trim(host, "[].")); err == nil {
		return []netip.Addr{addr}, nil
	}
	return addrs("127.0.0.1", "::1", "8.8.8.8"), nil
}

// Whatever CheckURL accepts, dialling its host never reaches a blocked address.
func FuzzCheckURL(f *testing.F) {
	for _, seed := range []string{
		"http://ocsp.example.com/", "http://0x7f.1/", "http://2130706433/", "http://[::ffff:127.0.0.1]:80/",
		"http://127.0.0.1./", "http://a@b/", "https://[fe80::1%25eth0]/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		dialer := &recordingDialer{t: t}
		g := newGuard(t, nil, netguard.WithResolver(echoResolver{}), netguard.WithDialer(dialer.dial))
		u, err := g.CheckURL(raw)
		if err != nil {
			return
		}
		if u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.Fragment != "" || u.Opaque != "" || u.Host == "" {
			t.Fatalf("accepted %q as %#v", raw, u)
		}
		again, err := g.CheckURL(u.String())
		if err != nil || again.Host != u.Host {
			t.Fatalf("accepted %q, but not its own %q: %v", raw, u, err)
		}
		port := u.Port()
		if port == "" {
			port = "80"
		}
		g.DialContext(t.Context(), "tcp", net.JoinHostPort(u.Hostname(), port))
		for _, dialled := range dialer.list() {
			addr := netip.MustParseAddrPort(dialled).Addr()
			if word := categoryOf(t, addr); word != "" {
				t.Fatalf("%q was dialled at %s (%s)", raw, addr, word)
			}
		}
	})
}

// The categories agree with what the standard library knows, in every carrier.
func FuzzCheckAddr(f *testing.F) {
	for _, row := range netguard.Networks() {
		octets := row.Prefix.Addr().As16()
		f.Add(octets[:])
	}
	f.Add([]byte{8, 8, 8, 8})
	f.Fuzz(func(t *testing.T, octets []byte) {
		addr, ok := netip.AddrFromSlice(octets)
		if !ok {
			return
		}
		special := addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast() || addr.IsMulticast() || addr.IsUnspecified()
		word := categoryOf(t, addr)
		if special && word == "" {
			t.Fatalf("%s passes", addr)
		}
		if unmapped := categoryOf(t, addr.Unmap()); unmapped != word {
			t.Fatalf("%s is %q, unmapped %q", addr, word, unmapped)
		}
		if v4 := addr.Unmap(); v4.Is4() && word != "" {
			for _, carrier := range carry(v4.As4()) {
				if categoryOf(t, carrier) == "" {
					t.Fatalf("%s is %q, but %s passes", v4, word, carrier)
				}
			}
		}
		if err := newGuard(t, []string{addr.String()}).CheckAddr("x", addr); err != nil {
			t.Fatalf("allowed by name, and yet: %v", err)
		}
	})
}

// carry puts an IPv4 address into every kind of IPv6 address that carries one.
func carry(v4 [4]byte) []netip.Addr {
	var out []netip.Addr
	for _, form := range []struct {
		prefix string
		octet  int
	}{{"::ffff:0.0.0.0", 12}, {"::", 12}, {"::ffff:0:0:0", 12}, {"64:ff9b::", 12}, {"64:ff9b:1::", 12}, {"2002::", 2}, {"2606::5efe:0:0", 12}} {
		octets := netip.MustParseAddr(form.prefix).As16()
		copy(octets[form.octet:], v4[:])
		out = append(out, netip.AddrFrom16(octets))
	}
	return out
}
