package acme

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Config says which names have certificates, and how eagerly they are got. Zero values of
// the numbers mean the defaults.
type Config struct {
	// Policies name every certificate that is kept, one for each name.
	Policies []Policy `json:"policies,omitempty"`

	// OnDemand, if set, allows for names that are only known when a client asks.
	OnDemand *OnDemand `json:"on_demand,omitempty"`

	// Concurrent is how many orders go on at one CA at the same time. Default 4.
	Concurrent int `json:"concurrent,omitempty"`

	// Timeout bounds one attempt over all issuers of a name, waiting for the name's lock
	// included; the propagation timeout of its DNS provider comes on top. Default 5 min.
	Timeout time.Duration `json:"timeout,omitempty"`

	// ReissueBurst replacements of revoked certificates are ordered from one CA at once, and
	// one more every ReissueEvery. A CA that revokes thousands will not like thousands of
	// orders at that moment, and has limits. Defaults 10 and 10 s. An order that turns out to
	// be unnecessary, because somebody else has placed it, does not count.
	ReissueBurst int           `json:"reissue_burst,omitempty"`
	ReissueEvery time.Duration `json:"reissue_every,omitempty"`
}

// OnDemand says for which names a certificate is got when a client asks for it.
type OnDemand struct {
	// Ask is an http or https URL that is asked about every name before anything else
	// happens, as ?domain=NAME. 200 permits it; another answer does not, redirects are not
	// followed. It may be on any address.
	Ask string `json:"ask"`

	// Policies say how; their names are patterns: "example.com", "*.example.com" (one
	// label), or "" for every name. The first of the most exact ones counts.
	Policies []Policy `json:"policies"`

	// Concurrent is how many names are being got at one CA at the same time. Default 4.
	Concurrent int `json:"concurrent,omitempty"`

	// Waiting is how many callers of Obtain may wait, and how many names they may wait for.
	// Those beyond are refused at once. Default 100.
	Waiting int `json:"waiting,omitempty"`

	// Keep is how many names are kept and renewed; the one that was used least recently
	// makes room. Default 10,000.
	Keep int `json:"keep,omitempty"`
}

// The defaults of Config.
const (
	DefaultConcurrent         = 4
	DefaultTimeout            = 5 * time.Minute
	DefaultReissueBurst       = 10
	DefaultReissueEvery       = 10 * time.Second
	DefaultOnDemandConcurrent = 4
	DefaultOnDemandWaiting    = 100
	DefaultOnDemandKeep       = 10_000
)

// Check returns everything that New and Reconfigure would refuse.
func (c Config) Check() error {
	_, err := c.withDefaults()
	return err
}

// withDefaults fills in what is zero and refuses, by its name, what is wrong.
func (c Config) withDefaults() (Config, error) {
	errs := []error{
		notNegative("concurrent", c.Concurrent), notNegative("timeout", c.Timeout),
		notNegative("reissue_burst", c.ReissueBurst), notNegative("reissue_every", c.ReissueEvery),
		checkPolicies(c.Policies),
	}
	c.Concurrent = cmp.Or(c.Concurrent, DefaultConcurrent)
	c.Timeout = cmp.Or(c.Timeout, DefaultTimeout)
	c.ReissueBurst = cmp.Or(c.ReissueBurst, DefaultReissueBurst)
	c.ReissueEvery = cmp.Or(c.ReissueEvery, DefaultReissueEvery)
	if c.OnDemand != nil {
		onDemand, err := c.OnDemand.withDefaults()
		c.OnDemand = &onDemand
		errs = append(errs, err)
	}
	return c, errors.Join(errs...)
}

func (o OnDemand) withDefaults() (OnDemand, error) {
	errs := []error{
		notNegative("on_demand: concurrent", o.Concurrent), notNegative("on_demand: waiting", o.Waiting),
		notNegative("on_demand: keep", o.Keep), checkAsk(o.Ask), checkPatterns(o.Policies),
	}
	o.Concurrent = cmp.Or(o.Concurrent, DefaultOnDemandConcurrent)
	o.Waiting = cmp.Or(o.Waiting, DefaultOnDemandWaiting)
	o.Keep = cmp.Or(o.Keep, DefaultOnDemandKeep)
	return o, errors.Join(errs...)
}

func notNegative[N int | time.Duration](option string, n N) error {
	if n < 0 {
		return fmt.Errorf("acme: %s must not be negative, is %v", option, n)
	}
	return nil
}

func checkAsk(ask string) error {
	u, err := url.Parse(ask)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("acme: on_demand: ask %q is not an http or https URL", ask)
	}
	return nil
}

// checkPolicies wants every name once, and somebody who can issue it.
func checkPolicies(policies []Policy) error {
	var errs []error
	seen := map[string]bool{}
	for _, p := range policies {
		if err := p.Check(); err != nil {
			errs = append(errs, fmt.Errorf("acme: %s: %w", strings.Join(p.Names, ", "), err))
		}
		for _, name := range p.Names {
			if name != strings.ToLower(name) || !validName(name) && !validWildcard(name) && !isAddress(name) {
				errs = append(errs, fmt.Errorf("acme: %q is not a name for a certificate", name))
			}
			if seen[name] {
				errs = append(errs, fmt.Errorf("acme: %s is in two policies", name))
			}
			seen[name] = true
		}
	}
	return errors.Join(errs...)
}

func checkPatterns(policies []Policy) error {
	var errs []error
	if len(policies) == 0 {
		errs = append(errs, errors.New("acme: on_demand: there is no policy"))
	}
	for _, p := range policies {
		patterns := p.Names
		p.Names = nil // they are no names to order for
		if err := p.Check(); err != nil {
			errs = append(errs, fmt.Errorf("acme: on_demand: %q: %w", patterns, err))
		}
		for _, name := range patterns {
			if name != "" && !validName(name) && !validWildcard(name) {
				errs = append(errs, fmt.Errorf("acme: on_demand: %q is not a pattern of names", name))
			}
		}
	}
	return errors.Join(errs...)
}
