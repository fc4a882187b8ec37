package config

import (
	"slices"

	"dwaar/proxy/dwaarfile"
	"dwaar/proxy/handler"
	"dwaar/proxy/upstream"
)

// proxying is a reverse_proxy directive being read.
type proxying struct {
	scope *scope
	upstream.Config
	handler.HeaderEdits
	refused bool // a problem has been reported that would only be reported again

	policyAt, retryAt, activeAt, passiveAt, dynamicAt, transportAt dwaarfile.Token // what their problems are reported at
}

func reverseProxyOptions() table[*proxying] {
	return table[*proxying]{of: "reverse_proxy", noun: "option", rows: slices.Concat([]row[*proxying]{
		{name: "to", usage: "UPSTREAM…", doc: "more upstreams", many: true, decode: func(l line, p *proxying) { p.to(l, l.Args) }},
		{name: "dynamic", usage: "a|srv [NAME] [PORT] [{ … }]", doc: "takes the upstreams from the DNS", decode: decodeDynamic},
		{name: "transport", usage: "http { … }", doc: "how upstreams are spoken to", decode: decodeTransport},
	}, forwardingOptions(), balancingOptions(), activeHealthOptions(), passiveHealthOptions())}
}

func decodeReverseProxy(l line, s *scope) {
	set, args, ok := l.matcher()
	if !ok {
		return
	}
	p := &proxying{scope: s}
	p.to(l, args)
	l.b.language.proxyOpts.read(l.b, l.block(), 0, p)
	switch {
	case len(p.Upstreams) == 0 && p.Dynamic == nil:
		l.problem(l.Name, "an upstream is missing, like reverse_proxy 127.0.0.1:8080")
	case p.check(l) || p.refused:
	default:
		s.add(l, l.Name, set, handler.ReverseProxy{Config: p.Config, HeaderEdits: p.HeaderEdits})
	}
}

// check reports problems where the options stand that have them.
func (p *proxying) check(l line) (refused bool) {
	if p.LoadBalancing != nil {
		refused = l.refuse(p.policyAt, p.LoadBalancing.Policy.Check(len(p.Upstreams)))
		refused = l.refuse(p.retryAt, p.LoadBalancing.Check()) || refused
	}
	refused = l.refuse(p.dynamicAt, p.Dynamic.Check()) || refused
	refused = l.refuse(p.transportAt, p.Transport.Check()) || p.checkTransport(l) || refused
	refused = l.refuse(p.activeAt, p.ActiveHealth.Check()) || refused
	return l.refuse(p.passiveAt, p.PassiveHealth.Check()) || refused
}

// to takes upstreams.
func (p *proxying) to(l line, args []dwaarfile.Token) {
	for _, tok := range args {
		if err := upstream.CheckUpstream(tok.Text); err != nil {
			l.b.problem(tok, "%v", err)
			p.refused = true
		}
		p.Upstreams = append(p.Upstreams, tok.Text)
	}
}
