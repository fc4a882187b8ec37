package config

import (
	"slices"
	"time"

	"dwaar/proxy/dwaarfile"
	"dwaar/proxy/upstream"
)

// decodeTransport reads transport http { … }. There is no other.
func decodeTransport(l line, p *proxying) {
	if kind := l.Args[0]; kind.Text != "http" {
		l.problem(kind, "%s is not supported by dwaar: upstreams are spoken to in HTTP", kind.Text)
		return
	}
	p.transportAt = l.Name
	l.b.language.transport.read(l.b, l.block(), 0, &p.Transport)
}

// checkTransport reports options that no upstream, or not every one, can have.
func (p *proxying) checkTransport(l line) (refused bool) {
	versions, secure := p.Versions, false
	for _, written := range p.Upstreams {
		a, err := p.Transport.Address(written)
		if err != nil {
			secure = true // perhaps: a bad address is reported already, and placeholders tell later
			continue
		}
		secure = secure || a.TLS
		switch {
		case a.TLS && slices.Contains(versions, "h2c"):
			l.problem(p.transportAt, "versions: h2c is HTTP/2 without TLS, and %s is with it", written)
		case !a.TLS && !a.H2C && len(versions) > 0 && !slices.Contains(versions, "1.1"):
			l.problem(p.transportAt, "versions: %s is without TLS: write 1.1 or h2c", written)
		default:
			continue
		}
		return true
	}
	if p.Transport.TLS != nil && !secure && len(p.Upstreams) > 0 {
		l.problem(p.transportAt, "its tls options are for no upstream: write tls, or upstreams with https://")
		return true
	}
	return false
}

func transportOptions() table[*upstream.Transport] {
	period := func(field func(*upstream.Transport) *time.Duration) func(line, *upstream.Transport) {
		return func(l line, t *upstream.Transport) { *field(t) = l.period(l.Args[0]) }
	}
	size := func(field func(*upstream.Transport) *int, least, most int64) func(line, *upstream.Transport) {
		return func(l line, t *upstream.Transport) { *field(t) = int(l.size(l.Args[0], least, most)) }
	}
	return table[*upstream.Transport]{of: "transport", noun: "option", rows: slices.Concat([]row[*upstream.Transport]{
		{name: "versions", usage: "1.1|2|h2c…", doc: "the versions of HTTP to speak", decode: decodeVersions},
		{name: "dial_timeout", usage: "DURATION", doc: "for connecting to one upstream",
			decode: period(func(t *upstream.Transport) *time.Duration { return &t.DialTimeout })},
		{name: "dial_fallback_delay", usage: "DURATION", doc: "how long IPv6 is tried before IPv4 is, too",
			decode: func(l line, t *upstream.Transport) { t.FallbackDelay = l.duration(l.Args[0], none) }},
		{name: "response_header_timeout", usage: "DURATION", doc: "from the end of the request to the header of the response",
			decode: period(func(t *upstream.Transport) *time.Duration { return &t.ResponseHeaderTimeout })},
		{name: "expect_continue_timeout", usage: "DURATION", doc: "how long a body with Expect: 100-continue waits for the upstream's word",
			decode: period(func(t *upstream.Transport) *time.Duration { return &t.ContinueTimeout })},
		{name: "read_timeout", usage: "DURATION", doc: "how long an upstream's connection may bring nothing",
			decode: period(func(t *upstream.Transport) *time.Duration { return &t.ReadTimeout })},
		{name: "write_timeout", usage: "DURATION", doc: "how long an upstream's connection may take nothing",
			decode: period(func(t *upstream.Transport) *time.Duration { return &t.WriteTimeout })},
		{name: "keepalive", usage: "DURATION|off", doc: "how long a connection waits for its next request",
			decode: func(l line, t *upstream.Transport) { t.KeepAlive = l.durationOrOff(l.Args[0], "off") }},
		{name: "keepalive_interval", usage: "DURATION", doc: "the time between two TCP keep-alive probes",
			decode: period(func(t *upstream.Transport) *time.Duration { return &t.ProbeInterval })},
		{name: "keepalive_idle_conns_per_host", usage: "NUMBER", doc: "how many connections to one upstream wait for a request",
			decode: func(l line, t *upstream.Transport) { t.MaxIdle = l.number(l.Args[0], 1, 1_000_000) }},
		{name: "max_conns_per_host", usage: "NUMBER", doc: "how many connections to one upstream there may be",
			decode: func(l line, t *upstream.Transport) { t.MaxConns = l.number(l.Args[0], 1, 1_000_000) }},
		{name: "read_buffer", usage: "SIZE", doc: "memory for each connection",
			decode: size(func(t *upstream.Transport) *int { return &t.ReadBuffer }, 2<<10, 1<<20)},
		{name: "write_buffer", usage: "SIZE", doc: "memory for each connection",
			decode: size(func(t *upstream.Transport) *int { return &t.WriteBuffer }, 2<<10, 1<<20)},
		{name: "max_response_header", usage: "SIZE", doc: "the largest header of a response",
			decode: size(func(t *upstream.Transport) *int { return &t.MaxResponseHeader }, 1<<10, 64<<20)},
		{name: "local_address", usage: "ADDRESS", doc: "the address that connections come from",
			decode: func(l line, t *upstream.Transport) { t.LocalAddress = l.Args[0].Text }},
		{name: "compression", usage: "off", doc: "says what is so: dwaar asks for nothing compressed by itself",
			decode: func(l line, _ *upstream.Transport) { l.oneOf(l.Args[0], "off") }},
	}, secureTransportOptions(), []row[*upstream.Transport]{
		{name: "keepalive_idle_conns", instead: "write keepalive_idle_conns_per_host: upstreams share no limit"},
		{name: "proxy_protocol"},
		{name: "resolvers"},
		{name: "forward_proxy_url"},
		{name: "network_proxy"},
	})}
}

// secureTransportOptions are about TLS to upstreams.
func secureTransportOptions() []row[*upstream.Transport] {
	return []row[*upstream.Transport]{
		{name: "tls", doc: "upstreams without a scheme are https ones",
			decode: func(_ line, t *upstream.Transport) { secured(t).Always = true }},
		{name: "tls_except_ports", usage: "PORT…", doc: "where tls does not hold", decode: decodeExceptPorts},
		{name: "tls_server_name", usage: "NAME", doc: "the name the upstream's certificate must be for",
			decode: func(l line, t *upstream.Transport) { secured(t).ServerName = l.Args[0].Text }},
		{name: "tls_trust_pool", usage: "file FILE…", doc: "the CAs that upstreams are trusted by, instead of the system's", decode: decodeUpstreamCAs},
		{name: "tls_client_auth", usage: "CERT KEY", doc: "who dwaar is to upstreams", decode: decodeUpstreamClient},
		{name: "tls_insecure_skip_verify", doc: "trusts every certificate",
			decode: func(_ line, t *upstream.Transport) { secured(t).Insecure = true }},
		{name: "tls_timeout", usage: "DURATION", doc: "for one handshake",
			decode: func(l line, t *upstream.Transport) { secured(t).Timeout = l.period(l.Args[0]) }},
		{name: "tls_renegotiation"},
		{name: "tls_curves"},
		{name: "tls_trusted_ca_certs", instead: "write tls_trust_pool file FILE"},
	}
}

func secured(t *upstream.Transport) *upstream.TLS {
	if t.TLS == nil {
		t.TLS = new(upstream.TLS)
	}
	return t.TLS
}

func decodeVersions(l line, t *upstream.Transport) {
	for _, tok := range l.Args {
		if tok.Text == "3" {
			l.problem(tok, "HTTP/3 to upstreams is not supported by dwaar")
			continue
		}
		if v := l.word(tok, "1.1", "2", "h2c"); !slices.Contains(t.Versions, v) {
			t.Versions = append(t.Versions, v)
		}
	}
	if slices.Contains(t.Versions, "h2c") && len(t.Versions) > 1 {
		l.problem(l.Name, "h2c stands alone: nobody tells which of several an upstream without TLS speaks")
	}
}

func decodeExceptPorts(l line, t *upstream.Transport) {
	for _, tok := range l.Args {
		secured(t).ExceptPorts = append(secured(t).ExceptPorts, l.number(tok, 1, 65535))
	}
}

func decodeUpstreamCAs(l line, t *upstream.Transport) {
	if l.Args[0].Text != "file" {
		l.problem(l.Args[0], "%s is not supported by dwaar: write file and the PEM files", l.Args[0].Text)
		return
	}
	for _, tok := range l.Args[1:] {
		secured(t).Roots = append(secured(t).Roots, l.rootFile(tok))
	}
}

func decodeUpstreamClient(l line, t *upstream.Transport) {
	certificate, key := l.path(l.Args[0]), l.path(l.Args[1])
	secured(t).Certificate, secured(t).Key = certificate, key
	l.b.config.ClientPairs = append(l.b.config.ClientPairs, ClientPair{Position: l.Args[0].Pos, CertFile: certificate, KeyFile: key})
}

// durationOrOff is a period, or negative for the word that means none.
func (l line) durationOrOff(tok dwaarfile.Token, off string) time.Duration {
	if tok.Text == off {
		return none
	}
	return l.period(tok)
}

// oneOf is an argument that can be one word only.
func (l line) oneOf(tok dwaarfile.Token, word string) {
	if tok.Text != word {
		l.problem(tok, "%q is not %s", tok.Text, word)
	}
}
