package upstream

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Address is where one upstream listens.
type Address struct {
	TLS     bool   // https
	H2C     bool   // HTTP/2 without TLS
	Network string // "tcp" or "unix"
	Dial    string // "host:port", or the path of a socket
}

// String writes the address as a URL.
func (a Address) String() string {
	switch {
	case a.Network == "unix" && a.H2C:
		return "unix+h2c/" + a.Dial
	case a.Network == "unix":
		return "unix/" + a.Dial
	case a.TLS:
		return "https://" + a.Dial
	case a.H2C:
		return "h2c://" + a.Dial
	}
	return "http://" + a.Dial
}

// OwnHost is the Host that requests to the address are for, "" if they are for
// the client's: who serves HTTPS knows itself by the name in its certificate.
func (a Address) OwnHost() string {
	if !a.TLS || a.Network == "unix" {
		return ""
	}
	return strings.TrimSuffix(a.Dial, ":443")
}

// ParseAddress reads an upstream as a Dwaarfile has it: "host", "host:port",
// ":port" on this machine, "http://host[:port]", "https://host[:port]",
// "h2c://host[:port]", "unix//path/of/socket" or "unix+h2c//path/of/socket".
// Ports default to 80, and 443 for https. Paths, queries and
// placeholders are refused: an upstream is a server, not a URL to rewrite to.
func ParseAddress(written string) (Address, error) {
	path, isUnix := strings.CutPrefix(written, "unix/")
	overH2C := false
	if !isUnix {
		path, overH2C = strings.CutPrefix(written, "unix+h2c/")
	}
	if isUnix || overH2C {
		if !strings.HasPrefix(path, "/") {
			return Address{}, fmt.Errorf("reverse_proxy: upstream %q: the path of the socket is not absolute", written)
		}
		return Address{H2C: overH2C, Network: "unix", Dial: path}, nil
	}
	address := Address{Network: "tcp"}
	rest, port := written, "80"
	if scheme, after, ok := strings.Cut(written, "://"); ok {
		switch scheme {
		case "http":
		case "https":
			address.TLS, port = true, "443"
		case "h2c":
			address.H2C = true
		default:
			return Address{}, fmt.Errorf("reverse_proxy: upstream %q: the scheme is neither http nor https nor h2c", written)
		}
		rest = after
	}
	host, port, err := splitHostPort(rest, port)
	if err != nil {
		return Address{}, fmt.Errorf("reverse_proxy: upstream %q: %w", written, err)
	}
	address.Dial = net.JoinHostPort(host, port)
	return address, nil
}

func splitHostPort(s, defaultPort string) (host, port string, err error) {
	host, port = s, defaultPort
	switch {
	case strings.ContainsAny(s, "{}"):
		return "", "", fmt.Errorf("placeholders are not supported here")
	case strings.ContainsAny(s, "/?#@"):
		return "", "", fmt.Errorf("only a host and a port are allowed")
	case strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]"):
		host = s[1 : len(s)-1]
	case strings.Contains(s, ":"):
		if host, port, err = net.SplitHostPort(s); err != nil {
			return "", "", fmt.Errorf("not a host and a port")
		}
		if host == "" {
			host = "localhost"
		}
	}
	if from, to, found := strings.Cut(port, "-"); found && isNumber(from) && isNumber(to) {
		return "", "", fmt.Errorf("ranges of ports are not supported: write an upstream for each")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", "", fmt.Errorf("%q is not a port", port)
	}
	if _, err := netip.ParseAddr(host); err != nil && !isName(host) {
		return "", "", fmt.Errorf("%q is not a host", host)
	}
	return host, port, nil
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

// isName allows what names in use consist of, underscores included.
func isName(host string) bool {
	odd := func(c rune) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("-_.", c))
	}
	return host != "" && !strings.ContainsFunc(host, odd)
}
