package config

import (
	"dwaar/proxy/upstream"
)

// lookedUp is a dynamic line being read.
type lookedUp struct {
	upstream.Dynamic
	service, proto string // of srv, before its name
}

func dynamicOptions() table[*lookedUp] {
	const bounded = "a lookup ends after 5s, and the last answer of the DNS holds until there is another"
	return table[*lookedUp]{of: "dynamic", noun: "option", rows: []row[*lookedUp]{
		{name: "name", usage: "NAME", doc: "the name to look up", decode: func(l line, d *lookedUp) { d.Name = l.Args[0].Text }},
		{name: "port", usage: "PORT", doc: "where the upstreams of a listen", decode: func(l line, d *lookedUp) { d.Port = l.number(l.Args[0], 1, 65535) }},
		{name: "versions", usage: "ipv4|ipv6…", doc: "which addresses of a are taken",
			decode: func(l line, d *lookedUp) {
				for _, arg := range l.Args {
					d.Versions = append(d.Versions, l.word(arg, "ipv4", "ipv6"))
				}
			}},
		{name: "service", usage: "SERVICE", doc: "the service of srv, like http", decode: func(l line, d *lookedUp) { d.service = l.Args[0].Text }},
		{name: "proto", usage: "PROTOCOL", doc: "the protocol of srv, like tcp", decode: func(l line, d *lookedUp) { d.proto = l.Args[0].Text }},
		{name: "refresh", usage: "DURATION", doc: "the time between two lookups", decode: func(l line, d *lookedUp) { d.Refresh = l.period(l.Args[0]) }},
		{name: "resolvers", usage: "ADDRESS…", doc: "the DNS servers that are asked",
			decode: func(l line, d *lookedUp) {
				for _, arg := range l.Args {
					d.Resolvers = append(d.Resolvers, arg.Text)
				}
			}},
		{name: "dial_fallback_delay", instead: bounded},
		{name: "dial_timeout", instead: bounded},
		{name: "grace_period", instead: bounded},
	}}
}

func decodeDynamic(l line, p *proxying) {
	d := &lookedUp{}
	switch d.Kind = l.word(l.Args[0], "a", "srv"); {
	case len(l.Args) > 3 || d.Kind == "srv" && len(l.Args) > 2:
		l.problem(l.Args[0], "write a [NAME [PORT]] or srv [NAME]")
	case len(l.Args) == 3:
		d.Port = l.number(l.Args[2], 1, 65535)
		fallthrough
	case len(l.Args) == 2:
		d.Name = l.Args[1].Text
	}
	l.b.language.dynamic.read(l.b, l.block(), 0, d)
	if (d.service == "") != (d.proto == "") || d.service != "" && d.Kind == "a" {
		l.problem(l.Name, "service and proto belong together, and to srv")
	}
	if d.service != "" {
		d.Name = "_" + d.service + "._" + d.proto + "." + d.Name
	}
	p.Dynamic = &d.Dynamic
	p.dynamicAt = l.Name
}
