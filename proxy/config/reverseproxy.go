package config

import (
	"dwaar/proxy/dwaarfile"
	"dwaar/proxy/handler"
	"dwaar/proxy/upstream"
)

// proxying is a reverse_proxy directive being read.
type proxying struct {
	scope *scope
	upstream.Config
	refused bool // a problem has been reported that would only be reported again
}

func reverseProxyOptions() table[*proxying] {
	return table[*proxying]{of: "reverse_proxy", noun: "option", rows: append([]row[*proxying]{
		{name: "to", usage: "UPSTREAM…", doc: "more upstreams", many: true, decode: func(l line, p *proxying) { p.to(l, l.Args) }},
	}, refused[*proxying](true,
		"dynamic",
		"lb_policy",
		"lb_retries",
		"lb_try_duration",
		"lb_try_interval",
		"lb_retry_match",
		"health_uri",
		"health_upstream",
		"health_port",
		"health_interval",
		"health_passes",
		"health_fails",
		"health_timeout",
		"health_status",
		"health_method",
		"health_body",
		"health_headers",
		"health_follow_redirects",
		"health_request_body",
		"fail_duration",
		"max_fails",
		"unhealthy_status",
		"unhealthy_latency",
		"unhealthy_request_count",
		"flush_interval",
		"request_buffers",
		"response_buffers",
		"stream_timeout",
		"stream_close_delay",
		"trusted_proxies",
		"header_up",
		"header_down",
		"method",
		"rewrite",
		"transport",
		"handle_response",
		"replace_status",
		"verbose_logs",
	)...)}
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
	case p.refused:
	case len(p.Upstreams) == 0:
		l.problem(l.Name, "an upstream is missing, like reverse_proxy 127.0.0.1:8080")
	default:
		s.add(l, l.Name, set, handler.ReverseProxy{Config: p.Config})
	}
}

// to takes upstreams.
func (p *proxying) to(l line, args []dwaarfile.Token) {
	for _, tok := range args {
		if _, err := upstream.ParseAddress(tok.Text); err != nil {
			l.b.problem(tok, "%v", err)
			p.refused = true
		}
		p.Upstreams = append(p.Upstreams, tok.Text)
	}
}
