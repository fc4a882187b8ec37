package stapler

import (
	"cmp"
	"fmt"
	"time"
)

// Config says how eagerly staples are refreshed. Zero values mean the defaults.
type Config struct {
	// RefreshEvery is the longest time between two refreshes of a certificate;
	// half-way to nextUpdate comes sooner for many. Default 12 h.
	RefreshEvery time.Duration `json:"refresh_every,omitempty"`

	// Pace is the time from one request to the next, whatever their
	// certificates. It shrinks where the work would not fit (S11). Default 1 s;
	// negative leaves none.
	Pace time.Duration `json:"pace,omitempty"`

	// Timeout bounds one refresh with all it takes: fetching the issuer, DNS,
	// redirects, all URLs and bodies. Default 10 s.
	Timeout time.Duration `json:"timeout,omitempty"`

	// MaxAge ends a staple that long after its last successful refresh,
	// whatever its nextUpdate (S3). Default 7 days.
	MaxAge time.Duration `json:"max_age,omitempty"`

	// StartWait is the longest that Prime may delay a start. Default 2 s;
	// negative does not wait, and leaves every first staple to Run.
	StartWait time.Duration `json:"start_wait,omitempty"`

	// RequireNextUpdate refuses responses without nextUpdate, which private
	// responders send. MaxAge bounds those that are accepted.
	RequireNextUpdate bool `json:"require_next_update,omitempty"`
}

// The defaults of Config.
const (
	DefaultRefreshEvery = 12 * time.Hour
	DefaultPace         = time.Second
	DefaultTimeout      = 10 * time.Second
	DefaultMaxAge       = 7 * 24 * time.Hour
	DefaultStartWait    = 2 * time.Second
)

// withDefaults fills in what is zero and refuses what is negative, by name.
func (c Config) withDefaults() (Config, error) {
	for _, d := range []struct {
		option string
		value  time.Duration
	}{
		{"refresh_every", c.RefreshEvery}, {"timeout", c.Timeout}, {"max_age", c.MaxAge},
	} {
		if d.value < 0 {
			return Config{}, fmt.Errorf("stapler: %s must not be negative, is %v", d.option, d.value)
		}
	}
	c.RefreshEvery = cmp.Or(c.RefreshEvery, DefaultRefreshEvery)
	c.Pace = cmp.Or(c.Pace, DefaultPace)
	c.Timeout = cmp.Or(c.Timeout, DefaultTimeout)
	c.MaxAge = cmp.Or(c.MaxAge, DefaultMaxAge)
	c.StartWait = cmp.Or(c.StartWait, DefaultStartWait)
	return c, nil
}
