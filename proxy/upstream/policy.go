package upstream

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// Policy says how one of several upstreams is chosen.
type Policy struct {
	// Name is the policy: "round_robin", "cookie" or another of policyNames.
	Name string `json:"name"`
	// Choose is how many upstreams random_choose compares.
	Choose int `json:"choose,omitempty"`
	// Weights are for weighted_round_robin, one for each upstream.
	Weights []int `json:"weights,omitempty"`
	// Field is the name of the header, query parameter or cookie.
	Field string `json:"field,omitempty"`
	// Secret keeps the upstreams in cookies from being guessed.
	Secret Secret `json:"secret,omitempty"`
	// MaxAge is how long a client keeps the cookie. Zero: until it closes.
	MaxAge time.Duration `json:"max_age,omitempty"`
	// Fallback is for requests without the header, parameter or cookie. Nil
	// means random.
	Fallback *Policy `json:"fallback,omitempty"`
}

// chooser is a compiled [Policy]. It returns one of the servers that the turn
// calls open, or nil if there is none.
type chooser interface{ choose(t *turn) *server }

const (
	mostWeight    = 1000
	defaultCookie = "lb"
)

// policyNames are all policies.
func policyNames() []string {
	return []string{
		"random", "random_choose", "round_robin", "weighted_round_robin", "least_conn", "first",
		"ip_hash", "client_ip_hash", "uri_hash", "header", "query", "cookie",
	}
}

// Check reports everything that is wrong with p for n upstreams.
func (p *Policy) Check(n int) error {
	if p == nil {
		return nil
	}
	var problems []error
	refuse := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("reverse_proxy: lb_policy: "+format, args...))
	}
	if !slices.Contains(policyNames(), p.Name) {
		refuse("%q is not a policy: there are %s", p.Name, strings.Join(policyNames(), ", "))
	}
	if p.Name == "random_choose" && p.Choose < 2 {
		refuse("random_choose: %d is not a number of 2 or more", p.Choose)
	}
	if p.Name == "weighted_round_robin" {
		problems = append(problems, checkWeights(p.Weights, n))
	}
	if slices.Contains([]string{"header", "query"}, p.Name) && p.Field == "" {
		refuse("%s: a name is missing", p.Name)
	}
	if slices.Contains([]string{"header", "cookie"}, p.Name) && p.Field != "" && !httpguts.ValidHeaderFieldName(p.Field) {
		refuse("%s: %q is not a name", p.Name, p.Field)
	}
	if p.MaxAge != 0 && p.MaxAge < time.Second {
		refuse("max_age: %v is less than a second", p.MaxAge)
	}
	if p.Fallback != nil && p.Fallback.Name == "cookie" {
		refuse("fallback: a cookie cannot be what is used without one")
	}
	return errors.Join(append(problems, p.Fallback.Check(n))...)
}

func checkWeights(weights []int, n int) error {
	if len(weights) != n {
		return fmt.Errorf("reverse_proxy: lb_policy: weighted_round_robin: %d weights for %d upstreams: write one for each", len(weights), n)
	}
	total := 0
	for _, w := range weights {
		if w < 0 || w > mostWeight {
			return fmt.Errorf("reverse_proxy: lb_policy: weighted_round_robin: %d is not a weight from 0 to %d", w, mostWeight)
		}
		total += w
	}
	if total == 0 {
		return errors.New("reverse_proxy: lb_policy: weighted_round_robin: all weights are 0")
	}
	return nil
}

// compile makes the policy of servers; nil is round_robin.
func (p *Policy) compile(servers []*server) chooser {
	if p == nil {
		return new(roundRobin)
	}
	switch p.Name {
	case "random":
		return random{}
	case "random_choose":
		return randomChoose(p.Choose)
	case "weighted_round_robin":
		for i, s := range servers {
			s.weight = p.Weights[i]
		}
		return new(weightedRoundRobin)
	case "least_conn":
		return leastConn{}
	case "first":
		return first{}
	case "ip_hash":
		return byKey{key: peerKey}
	case "client_ip_hash":
		return byKey{key: clientKey}
	case "uri_hash":
		return byKey{key: uriKey}
	case "header":
		return byKey{headerKey(textproto.CanonicalMIMEHeaderKey(p.Field)), p.fallback(servers)}
	case "query":
		return byKey{queryKey(p.Field), p.fallback(servers)}
	case "cookie":
		return newSticky(p, servers)
	}
	return new(roundRobin)
}

func (p *Policy) fallback(servers []*server) chooser {
	if p.Fallback == nil {
		return random{}
	}
	return p.Fallback.compile(servers)
}

// key hashes what a request is told apart by; ok is false if it has none.
type key func(r *http.Request) (hash uint64, ok bool)
