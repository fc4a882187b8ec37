package config

import (
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"dwaar/proxy/dwaarfile"
	"dwaar/proxy/upstream"
)

const mostInARow = 1000

func activeHealthOptions() []row[*proxying] {
	return []row[*proxying]{
		{name: "health_uri", usage: "URI", doc: "what is asked for to see whether an upstream works", decode: active(func(l line, a *upstream.ActiveHealth) { a.URI = l.Args[0].Text })},
		{name: "health_upstream", usage: "HOST:PORT", doc: "who is asked instead of every upstream", decode: active(func(l line, a *upstream.ActiveHealth) { a.Upstream = l.Args[0].Text })},
		{name: "health_port", usage: "PORT", doc: "the port to ask, if it is another", decode: active(func(l line, a *upstream.ActiveHealth) { a.Port = l.number(l.Args[0], 1, 65535) })},
		{name: "health_interval", usage: "DURATION", doc: "the time between two checks", decode: active(func(l line, a *upstream.ActiveHealth) { a.Interval = l.period(l.Args[0]) })},
		{name: "health_timeout", usage: "DURATION", doc: "for one check", decode: active(func(l line, a *upstream.ActiveHealth) { a.Timeout = l.period(l.Args[0]) })},
		{name: "health_passes", usage: "NUMBER", doc: "how many checks in a row make an upstream healthy again", decode: active(func(l line, a *upstream.ActiveHealth) { a.Passes = l.number(l.Args[0], 1, mostInARow) })},
		{name: "health_fails", usage: "NUMBER", doc: "how many failed checks in a row make it unhealthy", decode: active(func(l line, a *upstream.ActiveHealth) { a.Fails = l.number(l.Args[0], 1, mostInARow) })},
		{name: "health_status", usage: "STATUS", doc: "the status to expect, or its hundred: 204, 2xx", decode: active(func(l line, a *upstream.ActiveHealth) { a.Status = l.statusOrClass(l.Args[0]) })},
		{name: "health_body", usage: "REGEXP", doc: "what the body must match", decode: active(func(l line, a *upstream.ActiveHealth) { a.Body = l.Args[0].Text })},
		{name: "health_method", usage: "METHOD", doc: "the method of a check", decode: active(func(l line, a *upstream.ActiveHealth) { a.Method = l.Args[0].Text })},
		{name: "health_headers", usage: "{ … }", doc: "fields of a check, one in each line", decode: active(decodeHealthHeaders)},
		{name: "health_request_body", usage: "TEXT", doc: "the body of a check", decode: active(func(l line, a *upstream.ActiveHealth) { a.RequestBody = l.Args[0].Text })},
		{name: "health_follow_redirects", doc: "follows redirects, on the same upstream", decode: active(func(_ line, a *upstream.ActiveHealth) { a.FollowRedirects = true })},
	}
}

// active makes a decoder of active checks one of a reverse_proxy.
func active(decode func(line, *upstream.ActiveHealth)) func(line, *proxying) {
	return func(l line, p *proxying) {
		if p.ActiveHealth == nil {
			p.activeAt, p.ActiveHealth = l.Name, new(upstream.ActiveHealth)
		}
		decode(l, p.ActiveHealth)
	}
}

// decodeHealthHeaders reads lines of a field and its values, which no table
// knows.
func decodeHealthHeaders(l line, a *upstream.ActiveHealth) {
	a.Headers = make(http.Header)
	for _, d := range l.block() {
		field := textproto.CanonicalMIMEHeaderKey(d.Name.Text)
		if len(d.Args) == 0 || d.Block != nil {
			l.problem(d.Name, "write a field and its value, like Authorization \"Bearer …\"")
			continue
		}
		for _, arg := range d.Args {
			if strings.Contains(arg.Text, "{") {
				l.problem(arg, "placeholders are not supported here: write {$NAME} for what stands in the environment")
			}
			a.Headers[field] = append(a.Headers[field], arg.Text)
		}
	}
}

func passiveHealthOptions() []row[*proxying] {
	return []row[*proxying]{
		{name: "fail_duration", usage: "DURATION", doc: "how long a failure counts", decode: passive(func(l line, h *upstream.PassiveHealth) { h.FailDuration = l.duration(l.Args[0], 0) })},
		{name: "max_fails", usage: "NUMBER", doc: "how many failures that count put an upstream out of use", decode: passive(func(l line, h *upstream.PassiveHealth) { h.MaxFails = l.number(l.Args[0], 1, 10_000) })},
		{name: "unhealthy_status", usage: "STATUS…", doc: "statuses of responses that are failures: 500, 5xx",
			decode: passive(func(l line, h *upstream.PassiveHealth) {
				for _, arg := range l.Args {
					h.UnhealthyStatus = append(h.UnhealthyStatus, l.statusOrClass(arg))
				}
			})},
		{name: "unhealthy_latency", usage: "DURATION", doc: "how long a response may take before that is a failure", decode: passive(func(l line, h *upstream.PassiveHealth) { h.UnhealthyLatency = l.period(l.Args[0]) })},
		{name: "unhealthy_request_count", usage: "NUMBER", doc: "how many requests may be under way at one upstream", decode: passive(func(l line, h *upstream.PassiveHealth) { h.UnhealthyRequestCount = l.number(l.Args[0], 1, 1<<30) })},
	}
}

// passive makes a decoder of passive checks one of a reverse_proxy.
func passive(decode func(line, *upstream.PassiveHealth)) func(line, *proxying) {
	return func(l line, p *proxying) {
		if p.PassiveHealth == nil {
			p.passiveAt, p.PassiveHealth = l.Name, new(upstream.PassiveHealth)
		}
		decode(l, p.PassiveHealth)
	}
}

// statusOrClass is a status like 204, or a hundred of them like 2xx, which is 2.
func (l line) statusOrClass(tok dwaarfile.Token) int {
	text := strings.TrimSuffix(strings.ToLower(tok.Text), "xx")
	n, err := strconv.Atoi(text)
	if hundred := len(text) < len(tok.Text); err != nil || hundred && (n < 1 || n > 5) || !hundred && (n < 100 || n > 599) {
		l.problem(tok, "%q is not a status like 204 or 2xx", tok.Text)
		return 200
	}
	return n
}
