package netguard

import (
	"fmt"
	"net/netip"
)

// BlockedError refuses an address. It says what to write to allow it (N4).
type BlockedError struct {
	Host     string // the name that led to the address, or the address itself
	Addr     netip.Addr
	Category string // the row of the blocklist, such as "private network"
}

// Error names the address, its category and the option that would open it.
func (e *BlockedError) Error() string {
	if !e.Addr.IsValid() || e.Addr.Zone() != "" {
		return fmt.Sprintf("address %s of %s is blocked (%s) and nothing can allow it", e.Addr, e.Host, e.Category)
	}
	if h, err := parseHost(e.Host); err != nil || h.addr.IsValid() {
		return fmt.Sprintf("address %s is blocked (%s); \"allow %s\" would open it", e.Addr, e.Category, e.Addr)
	}
	return fmt.Sprintf("address %s of %s is blocked (%s); \"allow %s\" or \"allow %s\" would open it",
		e.Addr, e.Host, e.Category, e.Host, e.Addr)
}

// CheckAddr decides about one address found under the name host, which may be
// the address itself. It returns nil for an address that may be dialled, else
// a *BlockedError (N1, N4). Zone ids are refused whatever is allowed.
func (g *Guard) CheckAddr(host string, addr netip.Addr) error {
	word := category(addr)
	switch {
	case !addr.IsValid():
		word = "not an address"
	case word == "":
		return nil
	case addr.Zone() == "" && g.allow.opens(host, addr):
		return nil
	}
	return &BlockedError{Host: host, Addr: addr, Category: word}
}
