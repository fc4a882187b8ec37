package crl

import (
	"cmp"
	"fmt"
	"time"
)

// Config says how CRLs are read. Zero values mean the defaults.
type Config struct {
	// RefreshEvery is the longest time between two readings of a CRL; half-way
	// to its nextUpdate comes sooner for many. Default 12 h.
	RefreshEvery time.Duration `json:"refresh_every,omitempty"`

	// Pace is the time from one request to the next, whatever their servers.
	// It shrinks where the CRLs would not fit into RefreshEvery. Default 1 s.
	Pace time.Duration `json:"pace,omitempty"`

	// Timeout bounds one reading: DNS, redirects and body. Default 30 s.
	Timeout time.Duration `json:"timeout,omitempty"`

	// MaxSize is the most bytes a CRL may have, PEM or DER. Default 10 MiB.
	MaxSize int64 `json:"max_size,omitempty"`
}

// The defaults of Config.
const (
	DefaultRefreshEvery = 12 * time.Hour
	DefaultPace         = time.Second
	DefaultTimeout      = 30 * time.Second
	DefaultMaxSize      = 10 << 20
)

// sizeLimit is the most that MaxSize may be: what storage takes, less a header.
const sizeLimit = 60 << 20

// withDefaults fills in what is zero and refuses what makes no sense, by name.
func (c Config) withDefaults() (Config, error) {
	for _, d := range []struct {
		option string
		value  time.Duration
	}{{"refresh_every", c.RefreshEvery}, {"pace", c.Pace}, {"timeout", c.Timeout}} {
		if d.value < 0 {
			return Config{}, fmt.Errorf("crl: %s must not be negative, is %v", d.option, d.value)
		}
	}
	if c.MaxSize < 0 || c.MaxSize > sizeLimit {
		return Config{}, fmt.Errorf("crl: max_size must be between 0 and %d, is %d", int64(sizeLimit), c.MaxSize)
	}
	c.RefreshEvery = cmp.Or(c.RefreshEvery, DefaultRefreshEvery)
	c.Pace = cmp.Or(c.Pace, DefaultPace)
	c.Timeout = cmp.Or(c.Timeout, DefaultTimeout)
	c.MaxSize = cmp.Or(c.MaxSize, DefaultMaxSize)
	return c, nil
}
