package config

import "dwaar/proxy/handler"

// forwardingOptions are what reverse_proxy can be told about the requests and
// the responses that it passes on.
func forwardingOptions() []row[*proxying] {
	return []row[*proxying]{
		{name: "header_up", usage: "FIELD [VALUE|FIND] [REPLACE]", many: true, doc: "changes the header that upstreams get", decode: decodeHeaderUp},
		{name: "header_down", usage: "FIELD [VALUE|FIND] [REPLACE]", many: true, doc: "changes the header that upstreams answer with", decode: decodeHeaderDown},
		{name: "trusted_proxies", usage: "NETWORK|private_ranges…", many: true, doc: "the proxies in front of dwaar whose X-Forwarded fields are kept", decode: decodeProxiesOfUpstream},
		{name: "flush_interval", usage: "DURATION|-1", doc: "how long a part of a response may wait for more",
			decode: func(l line, p *proxying) { p.FlushInterval = l.durationOrOff(l.Args[0], "-1") }},
		{name: "stream_timeout", usage: "DURATION", doc: "the longest life of a WebSocket",
			decode: func(l line, p *proxying) { p.StreamTimeout = l.duration(l.Args[0], 0) }},
		{name: "stream_close_delay", usage: "DURATION", doc: "how long a WebSocket may go on after a reload",
			decode: func(l line, p *proxying) { p.StreamCloseDelay = l.period(l.Args[0]) }},
		{name: "request_buffers", instead: "bodies are passed on as they come; bound them with request_body max_size"},
		{name: "response_buffers", instead: "bodies are passed on as they come"},
		{name: "handle_response", instead: "a response is passed on whatever its status; handle_errors answers where there is none"},
		{name: "replace_status", instead: "a status is passed on as it is"},
		{name: "copy_response", instead: "a response is passed on as it is"},
		{name: "copy_response_headers", instead: "a response is passed on as it is"},
		{name: "method", instead: "write the directive method beside reverse_proxy, in a route or a handle"},
		{name: "rewrite", instead: "write the directive rewrite beside reverse_proxy, in a route or a handle"},
		{name: "buffer_requests", instead: "bodies are passed on as they come"},
		{name: "buffer_responses", instead: "bodies are passed on as they come"},
		{name: "max_buffer_size", instead: "bodies are passed on as they come"},
		{name: "verbose_logs", instead: "write debug as a global option"},
		{name: "health_path", instead: "its name is health_uri"},
		{name: "stream_buffer_size", instead: "streams are copied in pieces of 32 KiB"},
		{name: "proxy_status_name", instead: "no Proxy-Status is sent"},
	}
}

func decodeHeaderUp(l line, p *proxying) {
	p.HeaderUp = l.headerOp(p.HeaderUp, l.Args, func(op handler.HeaderOp) error {
		return handler.HeaderEdits{HeaderUp: []handler.HeaderOp{op}}.Check()
	})
}

func decodeHeaderDown(l line, p *proxying) {
	p.HeaderDown = l.headerOp(p.HeaderDown, l.Args, func(op handler.HeaderOp) error {
		return handler.HeaderEdits{HeaderDown: []handler.HeaderOp{op}}.Check()
	})
}

func decodeProxiesOfUpstream(l line, p *proxying) {
	for _, tok := range l.Args {
		for _, text := range rangesOf(tok.Text) {
			network, err := parseNetwork(text)
			if err != nil {
				l.problem(tok, "%q is neither a network like 10.0.0.0/8 nor an address nor private_ranges", tok.Text)
				continue
			}
			p.TrustedProxies = append(p.TrustedProxies, network)
		}
	}
}
