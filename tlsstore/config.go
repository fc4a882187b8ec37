// Package tlsstore holds the certificates a server shows: which one belongs to a handshake,
// with the staple that has been attached to it, and when a handshake is refused instead. It
// fetches no staple itself; whoever keeps them fresh pulls leaves from Catalog and pushes
// staples with Attach.
package tlsstore

import (
	"fmt"
	"time"
)

// Config says how certificates are served. The zero value is a good default.
type Config struct {
	// CacheSize is how many certificates that can be loaded again (see Binding.Load) stay in
	// memory; 0 means 10,000. Those read from files are always in memory and do not count.
	CacheSize int `json:"cache_size,omitempty"`

	// MaxOnDemand is how many names have a certificate that was got on demand at the same time
	// (see Binding.OnDemand); the least used go first, and are got again. 0 means 10,000.
	MaxOnDemand int `json:"max_on_demand,omitempty"`

	// DefaultSNI is the name assumed for a client that sends none, or one that no site has.
	DefaultSNI string `json:"default_sni,omitempty"`

	// MustStapleWait is how long a must-staple certificate without a staple is refused after
	// it appeared; then it is served with an alarm (S13). 0 means 30 s, negative not at all.
	MustStapleWait time.Duration `json:"must_staple_wait,omitempty"`

	// OnRevoked decides about certificates that are known to be revoked; empty means Refuse.
	OnRevoked OnRevoked `json:"on_revoked,omitempty"`
}

// OnRevoked is what a handshake for a revoked certificate gets (V2).
type OnRevoked string

const (
	Refuse OnRevoked = "refuse" // the alert unrecognized_name
	Serve  OnRevoked = "serve"  // the certificate, without a staple
)

const (
	defaultCacheSize      = 10_000
	defaultMaxOnDemand    = 10_000
	defaultMustStapleWait = 30 * time.Second
)

// withDefaults fills in what is zero and refuses, by its name in a Dwaarfile, what is wrong.
func (c Config) withDefaults() (Config, error) {
	switch c.OnRevoked {
	case "":
		c.OnRevoked = Refuse
	case Refuse, Serve:
	default:
		return c, fmt.Errorf("on_revoked: %q is neither %q nor %q", c.OnRevoked, Refuse, Serve)
	}
	if c.CacheSize < 0 {
		return c, fmt.Errorf("cache_size: %d is negative", c.CacheSize)
	}
	if c.CacheSize == 0 {
		c.CacheSize = defaultCacheSize
	}
	if c.MaxOnDemand < 0 {
		return c, fmt.Errorf("max_on_demand: %d is negative", c.MaxOnDemand)
	}
	if c.MaxOnDemand == 0 {
		c.MaxOnDemand = defaultMaxOnDemand
	}
	if c.MustStapleWait == 0 {
		c.MustStapleWait = defaultMustStapleWait
	}
	if c.DefaultSNI != "" {
		name, ok := normalName(c.DefaultSNI)
		if !ok {
			return c, fmt.Errorf("default_sni: %q is not a host name", c.DefaultSNI)
		}
		c.DefaultSNI = name
	}
	return c, nil
}
