// Package upstream forwards requests to the servers behind dwaar.
package upstream

import (
	"errors"
	"fmt"
	"time"
)

// Config is one reverse_proxy directive as data.
type Config struct {
	// Upstreams take requests in turn. Each is written as in a Dwaarfile, see
	// [CheckUpstream].
	Upstreams []string `json:"upstreams,omitempty"`
	// Dynamic takes the upstreams from the DNS instead.
	Dynamic *Dynamic `json:"dynamic,omitempty"`
	// DialTimeout is for connecting to one upstream. Zero means 3 s.
	DialTimeout time.Duration `json:"dial_timeout,omitempty"`
	// ResponseHeaderTimeout is how long an upstream may take from the end of
	// the request to the header of its response; then the client gets a 504.
	// Zero means no limit.
	ResponseHeaderTimeout time.Duration `json:"response_header_timeout,omitempty"`
	// TLS is for upstreams written with https://. Nil: their certificate must
	// be valid for the host in the address, by the system's roots.
	TLS *TLS `json:"tls,omitempty"`
	// LoadBalancing says which upstream gets a request. Nil: they take turns,
	// and no request is sent twice.
	LoadBalancing *LoadBalancing `json:"load_balancing,omitempty"`
	// ActiveHealth asks upstreams whether they work. Nil: none is asked.
	ActiveHealth *ActiveHealth `json:"active_health,omitempty"`
	// PassiveHealth judges upstreams by their responses. Nil: none is judged.
	PassiveHealth *PassiveHealth `json:"passive_health,omitempty"`
}

// TLS says how https upstreams are verified.
type TLS struct {
	// Roots are PEM files of the CAs to trust instead of the system's.
	Roots []string `json:"roots,omitempty"`
	// ServerName is sent as SNI and verified instead of the address's host.
	ServerName string `json:"server_name,omitempty"`
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
	for _, d := range []struct {
		name string
		time.Duration
	}{{"dial_timeout", c.DialTimeout}, {"response_header_timeout", c.ResponseHeaderTimeout}} {
		if d.Duration < 0 {
			problems = append(problems, fmt.Errorf("reverse_proxy: %s is negative: %v", d.name, d.Duration))
		}
	}
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
