package config

import (
	"time"

	"dwaar/proxy/upstream"
)

func balancingOptions() []row[*proxying] {
	return []row[*proxying]{
		{name: "lb_policy", usage: "POLICY [ARGUMENT…] [{ … }]", doc: "how one of several upstreams is chosen",
			decode: func(l line, p *proxying) { p.policyAt, p.balancing().Policy = l.Args[0], l.policy(&p.refused) }},
		{name: "lb_retries", usage: "NUMBER", doc: "how often a request that failed is tried again",
			decode: func(l line, p *proxying) { p.retryAt, p.balancing().Retries = l.Name, l.number(l.Args[0], 0, 1000) }},
		{name: "lb_try_duration", usage: "DURATION", doc: "how long a request is tried again, or waits for an upstream",
			decode: func(l line, p *proxying) { p.retryAt, p.balancing().TryDuration = l.Name, l.duration(l.Args[0], 0) }},
		{name: "lb_try_interval", usage: "DURATION", doc: "how long to wait before an upstream is tried once more",
			decode: func(l line, p *proxying) { p.retryAt, p.balancing().TryInterval = l.Name, l.duration(l.Args[0], none) }},
		{name: "lb_retry_match", usage: "[MATCHER…] [{ … }]", many: true, doc: "the requests that may be sent again although an upstream may have had them",
			decode: decodeRetryMatch},
	}
}

// decodeRetryMatch reads a matcher as it is defined, without a name.
func decodeRetryMatch(l line, p *proxying) {
	def := &definition{name: l.Name}
	def.read(l.b, l.Directive)
	p.retryAt, p.balancing().RetryMatch = l.Name, append(p.balancing().RetryMatch, def.set)
}

func (p *proxying) balancing() *upstream.LoadBalancing {
	if p.LoadBalancing == nil {
		p.LoadBalancing = new(upstream.LoadBalancing)
	}
	return p.LoadBalancing
}

func policyOptions() table[*upstream.Policy] {
	return table[*upstream.Policy]{of: "lb_policy", noun: "option", rows: []row[*upstream.Policy]{
		{name: "fallback", usage: "POLICY [ARGUMENT…] [{ … }]", doc: "the policy for requests without the header, the parameter or the cookie",
			decode: decodeFallback},
		{name: "max_age", usage: "DURATION", doc: "how long a client keeps the cookie", decode: decodeMaxAgeOfCookie},
	}}
}

func decodeFallback(l line, p *upstream.Policy) {
	switch p.Name {
	case "header", "query", "cookie":
		var refused bool
		p.Fallback = l.policy(&refused)
	default:
		l.problem(l.Name, "%s is for every request", p.Name)
	}
}

func decodeMaxAgeOfCookie(l line, p *upstream.Policy) {
	if p.Name != "cookie" {
		l.problem(l.Name, "only the policy cookie has one")
	}
	p.MaxAge = max(l.period(l.Args[0]), time.Second)
}

// policy reads a policy with its arguments and its block. What it cannot read
// is reported, and sets refused.
func (l line) policy(refused *bool) *upstream.Policy {
	p := &upstream.Policy{Name: l.Args[0].Text}
	args := l.Args[1:]
	least, most := 0, 0
	switch p.Name {
	case "random_choose", "header", "query":
		least, most = 1, 1
	case "weighted_round_robin":
		least, most = 1, len(args)
	case "cookie":
		most = 2
	}
	if len(args) < least || len(args) > most {
		l.problem(l.Args[0], "write %s", policyUsage(p.Name))
		*refused = true
		return p
	}
	for i, arg := range args {
		switch {
		case p.Name == "random_choose":
			p.Choose = l.number(arg, 2, 1000)
		case p.Name == "weighted_round_robin":
			p.Weights = append(p.Weights, l.number(arg, 0, 1000))
		case i == 0:
			p.Field = arg.Text
		default:
			p.Secret = upstream.Secret(arg.Text)
		}
	}
	l.b.language.policy.read(l.b, l.block(), 0, p)
	return p
}

func policyUsage(name string) string {
	switch name {
	case "random_choose":
		return "random_choose NUMBER"
	case "header":
		return "header FIELD"
	case "query":
		return "query PARAMETER"
	case "weighted_round_robin":
		return "weighted_round_robin WEIGHT…, one for each upstream"
	case "cookie":
		return "cookie [NAME [SECRET]]"
	}
	return name + ", without arguments"
}
