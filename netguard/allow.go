package netguard

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// allowed is what the operator opened: networks, and hosts by name.
type allowed struct {
	networks []netip.Prefix
	hosts    map[string]bool // normalised by hostKey
}

// parseAllow reads Config.Allow and reports every entry that is none of the
// three forms.
func parseAllow(entries []string) (allowed, error) {
	a := allowed{hosts: make(map[string]bool)}
	var problems []error
	for _, entry := range entries {
		if err := a.add(entry); err != nil {
			problems = append(problems, fmt.Errorf("allow %q: %w", entry, err))
		}
	}
	return a, errors.Join(problems...)
}

func (a *allowed) add(entry string) error {
	if strings.Contains(entry, "/") {
		return a.addNetwork(entry)
	}
	host, err := parseHost(strings.TrimSuffix(strings.TrimPrefix(entry, "["), "]"))
	if err != nil {
		return fmt.Errorf("neither a network, an address nor a host name: %w", err)
	}
	if host.addr.IsValid() {
		a.networks = append(a.networks, netip.PrefixFrom(host.addr, host.addr.BitLen()))
		return nil
	}
	a.hosts[hostKey(host.name)] = true
	return nil
}

// addNetwork refuses a prefix with bits behind its length: it leaves open
// whether the address or the network was meant, and the answer matters here.
func (a *allowed) addNetwork(entry string) error {
	prefix, err := netip.ParsePrefix(entry)
	if err != nil {
		return errors.New("not a network such as 10.20.0.0/16 or fd12:3456::/48")
	}
	if prefix.Addr().Is4In6() && prefix.Bits() >= 96 {
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
	}
	if prefix.Masked() != prefix {
		return fmt.Errorf("has bits behind its prefix length; write %s for the network or %s for the address", prefix.Masked(), prefix.Addr())
	}
	a.networks = append(a.networks, prefix)
	return nil
}

// opens reports whether addr, found under the name host, was named by the
// operator. An IPv4-mapped address is the IPv4 address; other carriers of an
// IPv4 address have to be named as themselves.
func (a *allowed) opens(host string, addr netip.Addr) bool {
	for _, n := range a.networks {
		if n.Contains(addr.Unmap()) {
			return true
		}
	}
	return a.hosts[hostKey(host)]
}

// hostKey folds what DNS folds: case, and the dot of the root.
func hostKey(host string) string {
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
