package localca

import (
	"net/netip"
	"slices"
	"strings"
)

// local are the domains no public CA certifies names of: localhost (RFC 6761), home.arpa
// (RFC 8375), local (RFC 6762), and internal, which ICANN keeps out of the root zone.
var local = [...]string{"localhost", "internal", "home.arpa", "local"}

// IsLocal reports whether a certificate for name is the local CA's business unless the
// configuration says otherwise: localhost, *.localhost, names under .internal, .home.arpa
// and .local, wildcards among them, and IP addresses, with or without brackets.
func IsLocal(name string) bool {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if isIP(name) {
		return true
	}
	return name == "localhost" || slices.ContainsFunc(local[:], func(domain string) bool {
		return strings.HasSuffix(name, "."+domain)
	})
}

func isIP(name string) bool {
	if strings.HasPrefix(name, "[") && strings.HasSuffix(name, "]") {
		name = name[1 : len(name)-1]
	}
	_, err := netip.ParseAddr(name)
	return err == nil
}

// isDNSName reports whether a certificate can carry name, and a client can ask for it: host
// name labels of letters, digits, hyphens and underscores, the first perhaps "*" if others
// follow (RFC 9525 §6.3), at most 253 bytes.
func isDNSName(name string) bool {
	rest, wildcard := strings.CutPrefix(name, "*.")
	if len(name) > 253 || wildcard && rest == "" {
		return false
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return false // an IP address in a DNS name matches nothing
	}
	for label := range strings.SplitSeq(rest, ".") {
		if !isLabel(label) {
			return false
		}
	}
	return true
}

func isLabel(label string) bool {
	if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	return strings.IndexFunc(label, notHostRune) < 0
}

func notHostRune(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}
