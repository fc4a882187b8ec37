// Package upstream forwards requests to the servers behind dwaar.
package upstream

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Config is one reverse_proxy directive as data.
type Config struct {
	// Upstreams take requests in turn. Each is written as in a Dwaarfile, see
	// [CheckUpstream].
	Upstreams []string `json:"upstreams,omitempty"`
	// Dynamic takes the upstreams from the DNS instead.
	Dynamic *Dynamic `json:"dynamic,omitempty"`
	// Transport is how they are spoken to.
	Transport `json:"transport,omitzero"`
	// TrustedProxies are networks of proxies whose word about their client is
	// passed on, with their own address added. The server's trusted proxies
	// are trusted here, too.
	TrustedProxies []netip.Prefix `json:"trusted_proxies,omitempty"`
	// FlushInterval is how long a part of a response may wait to be sent
	// along with more. Zero: a response without length and server-sent events
	// do not wait, others do. Negative: none waits.
	FlushInterval time.Duration `json:"flush_interval,omitempty"`
	// StreamTimeout ends upgraded connections, WebSockets for example, after
	// that time. Zero means never.
	StreamTimeout time.Duration `json:"stream_timeout,omitempty"`
	// StreamCloseDelay ends upgraded connections that time after the
	// configuration they began under was replaced. Zero means never: they
	// outlive it.
	StreamCloseDelay time.Duration `json:"stream_close_delay,omitempty"`
	// LoadBalancing says which upstream gets a request. Nil: they take turns,
	// and no request is sent twice.
	LoadBalancing *LoadBalancing `json:"load_balancing,omitempty"`
	// ActiveHealth asks upstreams whether they work. Nil: none is asked.
	ActiveHealth *ActiveHealth `json:"active_health,omitempty"`
	// PassiveHealth judges upstreams by their responses. Nil: none is judged.
	PassiveHealth *PassiveHealth `json:"passive_health,omitempty"`
}

// Check reports everything that is wrong with c, without opening files.
func (c Config) Check() error {
	var problems []error
	if len(c.Upstreams) == 0 && c.Dynamic == nil {
		problems = append(problems, errors.New("reverse_proxy: no upstream"))
	}
	for _, written := range c.Upstreams {
		if err := CheckUpstream(written); err != nil {
			problems = append(problems, err)
		}
		if isTemplate(written) && c.ActiveHealth != nil && c.ActiveHealth.Upstream == "" {
			problems = append(problems, fmt.Errorf("reverse_proxy: active checks cannot ask the upstream %q, which only requests know: write health_upstream, or passive checks", written))
		}
	}
	if c.StreamTimeout < 0 || c.StreamCloseDelay < 0 {
		problems = append(problems, errors.New("reverse_proxy: a time for streams is negative"))
	}
	problems = append(problems, c.Transport.Check())
	if c.LoadBalancing != nil {
		problems = append(problems, c.LoadBalancing.Policy.Check(len(c.Upstreams)))
	}
	if c.Dynamic != nil {
		problems = append(problems, c.checkDynamic())
	}
	problems = append(problems, c.LoadBalancing.Check(), c.ActiveHealth.Check(), c.PassiveHealth.Check())
	return errors.Join(problems...)
}

// checkDynamic reports what does not go together with dynamic upstreams.
func (c Config) checkDynamic() error {
	problems := []error{c.Dynamic.Check()}
	if len(c.Upstreams) > 0 {
		problems = append(problems, errors.New("reverse_proxy: dynamic: upstreams are written and looked up: choose one of them"))
	}
	if c.ActiveHealth != nil {
		problems = append(problems, errors.New("reverse_proxy: dynamic: active checks do not ask upstreams that are looked up: use passive ones"))
	}
	return errors.Join(problems...)
}

// mostRequests is how many requests may be under way at one upstream, 0 for
// any number.
func (c Config) mostRequests() int64 {
	if c.PassiveHealth == nil {
		return 0
	}
	return int64(c.PassiveHealth.UnhealthyRequestCount)
}
