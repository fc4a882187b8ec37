package proxy

import (
	"fmt"
	"net"
	"net/netip"
	"strings"

	"golang.org/x/net/idna"
)

// parseHost checks a host of a site and returns it as the table spells it:
// "" for any, "*.example.com" for a wildcard.
func parseHost(written string) (string, error) {
	if written == "" || written == "*" {
		return "", nil
	}
	bare := strings.TrimSuffix(strings.TrimPrefix(written, "["), "]")
	if addr, err := netip.ParseAddr(bare); err == nil {
		return addr.String(), nil
	}
	if _, _, err := net.SplitHostPort(written); err == nil {
		return "", fmt.Errorf("host %q has a port, which belongs to the listener", written)
	}
	name := strings.TrimSuffix(strings.TrimPrefix(written, "*."), ".")
	ascii, err := idna.Lookup.ToASCII(name)
	if err != nil || ascii == "" || strings.Contains(name, "*") {
		// Underscores are no hostnames, but resolve and are used.
		if err == nil || strings.ContainsAny(name, "*/:@ ") || !strings.Contains(name, "_") || !isASCII(name) {
			return "", fmt.Errorf("host %q is neither a name, nor *. and a name, nor an address", written)
		}
		ascii = strings.ToLower(name)
	}
	if strings.HasPrefix(written, "*.") {
		return "*." + ascii, nil
	}
	return ascii, nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
