package config

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/idna"

	"dwaar/proxy/dwaarfile"
	"dwaar/proxy/match"
)

// address is one address of a site: [scheme://][host][:port][/path].
type address struct {
	tok    dwaarfile.Token
	scheme string // "http", "https" or ""
	host   string // canonical; "" for any
	port   int    // 0 if there is none
	path   string // "" if there is none
}

// parseAddress reads the address of a site.
func parseAddress(tok dwaarfile.Token) (address, error) {
	a := address{tok: tok}
	rest := tok.Text
	if strings.ContainsAny(rest, "{}") {
		return a, errors.New("placeholders are not filled in addresses; {$NAME} is, before the text is read")
	}
	if scheme, after, found := strings.Cut(rest, "://"); found {
		if err := a.setScheme(strings.ToLower(scheme)); err != nil {
			return a, err
		}
		rest = after
	}
	if at := strings.IndexByte(rest, '/'); at >= 0 {
		rest, a.path = rest[:at], rest[at:]
		if _, err := (match.Set{Path: match.Path{a.path}}).Compile(); err != nil {
			return a, err
		}
	}
	if strings.ContainsAny(tok.Text, "@?# ") {
		return a, errors.New("an address has a scheme, a host, a port and a path, and nothing else")
	}
	host, port, err := splitPort(rest)
	if err != nil {
		return a, err
	}
	a.port = port
	a.host, err = siteName(host)
	return a, err
}

func (a *address) setScheme(scheme string) error {
	switch scheme {
	case "http", "https":
		a.scheme = scheme
		return nil
	case "ws", "wss":
		return fmt.Errorf("WebSockets work on every site: write http%s://", strings.TrimPrefix(scheme, "ws"))
	}
	return fmt.Errorf("the scheme %q is neither http nor https", scheme)
}

// splitPort cuts the port off a host; 0 if there is none.
func splitPort(text string) (host string, port int, err error) {
	if _, err := netip.ParseAddr(text); err == nil {
		return text, 0, nil // also ::1, whose last colon is no port's
	}
	colon := strings.LastIndexByte(text, ':')
	if colon < 0 || strings.HasSuffix(text, "]") {
		return text, 0, nil
	}
	number, err := strconv.ParseUint(text[colon+1:], 10, 16)
	if err != nil || number == 0 {
		return "", 0, fmt.Errorf("%q is not a port from 1 to 65535", text[colon+1:])
	}
	return text[:colon], int(number), nil
}

// siteName gives a host in the form it is compared in: an IP address, or a
// lower-case ASCII name, its first label perhaps *.
func siteName(host string) (string, error) {
	if host == "" {
		return "", nil
	}
	bare := strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if ip, err := netip.ParseAddr(bare); err == nil && ip.Zone() == "" {
		return ip.Unmap().String(), nil
	}
	if host == "*" {
		return "", errors.New("* alone is no host: for any host write only a port, like :8443, or https://")
	}
	rest, wildcard := strings.CutPrefix(host, "*.")
	name, err := idna.Lookup.ToASCII(strings.TrimSuffix(rest, "."))
	if strings.Contains(rest, "*") {
		return "", fmt.Errorf("%q: * stands for the whole first label and nothing else", host)
	}
	if err != nil || !isName(name) {
		return "", fmt.Errorf("%q is not a host name or IP address", host)
	}
	if wildcard {
		name = "*." + name
	}
	return name, nil
}

// isName tells whether s is a host name: labels of letters, digits, - and _
// (RFC 1035 §2.3.4).
func isName(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, notInName) {
			return false
		}
	}
	return len(s) <= 253
}

func notInName(r rune) bool {
	return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-' || r == '_')
}
