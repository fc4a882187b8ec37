package upstream

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Dynamic takes the upstreams from the DNS: each address of a name, or each
// server of a service, is one.
type Dynamic struct {
	// Kind is "a" for the addresses of a name, or "srv" for the records of a
	// service.
	Kind string `json:"kind"`
	// Name is whose addresses they are; for srv the full name of the record,
	// like _http._tcp.example.com.
	Name string `json:"name"`
	// Port is where the upstreams of an "a" listen. Zero means 80.
	Port int `json:"port,omitempty"`
	// Versions are "ipv4" and "ipv6". Empty: both.
	Versions []string `json:"versions,omitempty"`
	// Refresh is the time between two lookups. Zero means 1 minute.
	Refresh time.Duration `json:"refresh,omitempty"`
	// Resolvers are the DNS servers to ask, each an address with or without
	// a port. Empty: those of the system.
	Resolvers []string `json:"resolvers,omitempty"`
}

const (
	defaultRefresh = time.Minute
	leastRefresh   = time.Second
	lookupTimeout  = 5 * time.Second
	mostAddresses  = 256
)

// Check reports everything that is wrong with d.
func (d *Dynamic) Check() error {
	if d == nil {
		return nil
	}
	var problems []error
	refuse := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("reverse_proxy: dynamic: "+format, args...))
	}
	if d.Kind != "a" && d.Kind != "srv" {
		refuse("%q is not a or srv", d.Kind)
	}
	if !isName(d.Name) {
		refuse("%q is not a name", d.Name)
	}
	if d.Port < 0 || d.Port > 65535 || d.Kind == "srv" && d.Port != 0 {
		refuse("%d is not a port, or not one for srv, whose records have it", d.Port)
	}
	for _, v := range d.Versions {
		if v != "ipv4" && v != "ipv6" {
			refuse("%q is not ipv4 or ipv6", v)
		}
	}
	if d.Kind == "srv" && len(d.Versions) > 0 {
		refuse("versions are for a: the targets of srv are names")
	}
	if d.Refresh != 0 && d.Refresh < leastRefresh {
		refuse("refresh: %v is less than %v", d.Refresh, leastRefresh)
	}
	for _, r := range d.Resolvers {
		if _, err := resolverAddress(r); err != nil {
			refuse("resolvers: %q is not the address of a DNS server", r)
		}
	}
	return errors.Join(problems...)
}

func resolverAddress(written string) (string, error) {
	if a, err := netip.ParseAddr(strings.Trim(written, "[]")); err == nil {
		return net.JoinHostPort(a.String(), "53"), nil
	}
	a, err := netip.ParseAddrPort(written)
	return a.String(), err
}

// network is what a lookup of addresses asks for.
func (d *Dynamic) network() string {
	switch v4, v6 := slices.Contains(d.Versions, "ipv4"), slices.Contains(d.Versions, "ipv6"); {
	case v4 && !v6:
		return "ip4"
	case v6 && !v4:
		return "ip6"
	}
	return "ip"
}
