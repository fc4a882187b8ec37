package netguard

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// host is the host of a URL, an address or an allow entry: either a literal
// address or a name for DNS.
type host struct {
	addr netip.Addr // valid for a literal
	name string     // as written, otherwise
}

// parseHost tells addresses from names the strict way. Whatever only a lenient
// parser would read as an address (0x7f.1, 2130706433, 0177.0.0.1, 127.1) is
// neither, because getaddrinfo would make an address of it. Names are ASCII:
// a resolver that folds Unicode turns full-width digits into an address.
func parseHost(s string) (host, error) {
	if len(strings.TrimSuffix(s, ".")) > 253 {
		return host{}, errors.New("host longer than 253 bytes") // and not quoted: it goes into logs
	}
	if strings.Contains(s, "%") {
		return host{}, fmt.Errorf("host %q has a zone id", s)
	}
	if addr, err := netip.ParseAddr(s); err == nil {
		return host{addr: addr.Unmap()}, nil
	}
	name := strings.TrimSuffix(s, ".")
	if addr, err := netip.ParseAddr(name); err == nil && addr.Is4() {
		return host{addr: addr}, nil
	}
	if err := checkName(name); err != nil {
		return host{}, fmt.Errorf("host %q: %w", s, err)
	}
	return host{name: s}, nil
}

// checkName applies the length limits of RFC 1035 §2.3.4 and the letters of
// RFC 1123 §2.1, with the underscore that private zones use.
func checkName(name string) error {
	if name == "" {
		return errors.New("empty name")
	}
	var last string
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return errors.New("label is empty or longer than 63 bytes")
		}
		if strings.ContainsFunc(label, notInName) {
			return errors.New("only letters, digits, hyphens and underscores make a name (write others in their xn-- form)")
		}
		last = label
	}
	if numeric(last) {
		return errors.New("a name that ends in a number is not an address in the form a.b.c.d")
	}
	return nil
}

func notInName(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '_':
		return false
	}
	return true
}

// numeric reports whether a label reads as a decimal, octal or hexadecimal
// number; no top-level domain does.
func numeric(label string) bool {
	if hex, ok := strings.CutPrefix(strings.ToLower(label), "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}
