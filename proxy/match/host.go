package match

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"golang.org/x/net/idna"
)

// hostTests compile Host: names, IP addresses, and names in which * stands for
// exactly one label. Case, the port and a dot at the end do not matter.
func (s Set) hostTests() ([]test, error) {
	if len(s.Host) == 0 {
		return nil, nil
	}
	exact, patterns := map[string]bool{}, [][]string{}
	for _, written := range s.Host {
		host, err := parseHost(written)
		if err != nil {
			return nil, err
		}
		if strings.Contains(host, "*") {
			patterns = append(patterns, strings.Split(host, "."))
		} else {
			exact[host] = true
		}
	}
	return []test{func(r *http.Request) bool {
		host := CanonicalHost(r.Host)
		if exact[host] {
			return true
		}
		for _, labels := range patterns {
			if labelsMatch(labels, host) {
				return true
			}
		}
		return false
	}}, nil
}

// CanonicalHost is the host of a Host field as hosts are compared: in lower
// case, without port, brackets and final dot, an IPv6 literal in its canonical
// form. Most hosts are in that form already and cost nothing.
func CanonicalHost(hostport string) string {
	host := hostport
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	if literal, ok := strings.CutPrefix(host, "["); ok {
		host = strings.TrimSuffix(literal, "]")
		if addr, err := netip.ParseAddr(host); err == nil {
			return addr.String()
		}
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

func labelsMatch(labels []string, host string) bool {
	for i, label := range labels {
		first, rest, more := strings.Cut(host, ".")
		if first == "" || label != "*" && label != first || more != (i < len(labels)-1) {
			return false
		}
		host = rest
	}
	return true
}

func parseHost(written string) (string, error) {
	bad := fmt.Errorf("host: %q is neither a name, in which * may stand for a label, nor an address", written)
	if addr, err := netip.ParseAddr(strings.Trim(written, "[]")); err == nil {
		return addr.String(), nil
	}
	labels := strings.Split(strings.TrimSuffix(written, "."), ".")
	for i, label := range labels {
		if label == "*" {
			continue
		}
		ascii, err := idna.Lookup.ToASCII(label)
		if strings.Contains(label, "_") { // resolves and is used, though it is in no hostname
			ascii, err = strings.ToLower(label), nil
		}
		if err != nil || label == "" || strings.ContainsAny(label, "*:/@{}[]?# ") {
			return "", bad
		}
		labels[i] = ascii
	}
	return strings.Join(labels, "."), nil
}
