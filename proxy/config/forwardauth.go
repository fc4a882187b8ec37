package config

import (
	"slices"
	"strings"

	"dwaar/proxy/dwaarfile"
	"dwaar/proxy/handler"
)

func forwardAuthOptions() table[*handler.ForwardAuth] {
	return table[*handler.ForwardAuth]{of: "forward_auth", noun: "option", rows: []row[*handler.ForwardAuth]{
		{name: "uri", usage: "URI", doc: "the path and query that the auth server is asked for",
			decode: func(l line, c *handler.ForwardAuth) { c.URI = l.Args[0].Text }},
		{name: "copy_headers", usage: "[FIELD[>NAME]…] [{ … }]", many: true, doc: "fields of the answer that go on with the request", decode: decodeCopyHeaders},
	}}
}

// decodeForwardAuth leaves what is no option of its own to reverse_proxy, which
// says how the auth server is reached.
func decodeForwardAuth(l line, s *scope) {
	set, args, ok := l.matcher()
	if !ok {
		return
	}
	var auth handler.ForwardAuth
	known := len(l.b.problems)
	own, rest := l.b.language.askAuth.split(l.block())
	l.b.language.askAuth.read(l.b, own, 0, &auth)
	p := &proxying{scope: s}
	p.to(l, args)
	l.b.language.proxyOpts.read(l.b, rest, 0, p)
	switch {
	case len(p.Upstreams) == 0 && p.Dynamic == nil:
		l.problem(l.Name, "the auth server is missing, like forward_auth 127.0.0.1:9091 { … }")
	case p.check(l) || p.refused || len(l.b.problems) > known:
	default:
		auth.Config, auth.HeaderEdits = p.Config, p.HeaderEdits
		s.add(l, l.Name, set, auth)
	}
}

// split parts the lines whose words are in t from the others.
func (t *table[T]) split(ds []*dwaarfile.Directive) (own, rest []*dwaarfile.Directive) {
	for _, d := range ds {
		if t.find(d.Name.Text) != nil {
			own = append(own, d)
		} else {
			rest = append(rest, d)
		}
	}
	return own, rest
}

// decodeCopyHeaders takes fields from the line and from the block below it.
func decodeCopyHeaders(l line, c *handler.ForwardAuth) {
	fields := slices.Clone(l.Args)
	for _, d := range l.block() {
		fields = append(append(fields, d.Name), d.Args...)
		if d.Block != nil {
			l.problem(d.Name, "%s has no block", d.Name.Text)
		}
	}
	if len(fields) == 0 {
		l.problem(l.Name, "a field is missing: write copy_headers Remote-User")
	}
	for _, tok := range fields {
		from, to, renamed := strings.Cut(tok.Text, ">")
		if renamed && to == "" {
			l.problem(tok, "%q lacks the name behind >", tok.Text)
			continue
		}
		h := handler.CopyHeader{From: from, To: to}
		alone := handler.ForwardAuth{CopyHeaders: append(slices.Clone(c.CopyHeaders), h)}
		if !l.refuse(tok, alone.CheckCopies()) {
			c.CopyHeaders = append(c.CopyHeaders, h)
		}
	}
}
