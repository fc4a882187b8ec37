package config

import (
	"dwaar/proxy/dwaarfile"
	"dwaar/proxy/handler"
	"dwaar/proxy/ratelimit"
)

// namedZone is a zone of the file. Zones of one name are one.
type namedZone struct {
	ratelimit.Zone
	tok dwaarfile.Token
}

func rateLimitOptions() table[*handler.RateLimit] {
	return table[*handler.RateLimit]{of: "rate_limit", noun: "option", rows: append([]row[*handler.RateLimit]{
		{name: "zone", usage: "NAME { … }", many: true, doc: "one limit; every zone must allow a request", decode: decodeLimitZone},
	}, refused[*handler.RateLimit]("distributed", "jitter", "log_key", "storage", "sweep_interval")...)}
}

func zoneOptions() table[*ratelimit.Zone] {
	return table[*ratelimit.Zone]{of: "zone", noun: "option", rows: []row[*ratelimit.Zone]{
		{name: "key", usage: "TEXT", doc: "what is counted for itself, such as {client_ip}",
			decode: func(l line, z *ratelimit.Zone) { z.Key = l.Args[0].Text }},
		{name: "events", usage: "NUMBER", doc: "how many are allowed in each window",
			decode: func(l line, z *ratelimit.Zone) { z.Events = l.number(l.Args[0], 1, ratelimit.MaxEvents) }},
		{name: "window", usage: "DURATION", doc: "the time in which they are counted",
			decode: func(l line, z *ratelimit.Zone) { z.Window = l.period(l.Args[0]) }},
		{name: "ipv4_prefix", usage: "BITS", doc: "how much of a key that is an IPv4 address counts",
			decode: func(l line, z *ratelimit.Zone) { z.IPv4Prefix = l.number(l.Args[0], 1, 32) }},
		{name: "ipv6_prefix", usage: "BITS", doc: "how much of a key that is an IPv6 address counts",
			decode: func(l line, z *ratelimit.Zone) { z.IPv6Prefix = l.number(l.Args[0], 1, 128) }},
		{name: "max_keys", usage: "NUMBER", doc: "how many keys are known at the same time",
			decode: func(l line, z *ratelimit.Zone) { z.MaxKeys = l.number(l.Args[0], 1, ratelimit.MaxKeys) }},
		{name: "match", instead: "write the matcher behind rate_limit"},
	}}
}

func decodeRateLimit(l line, s *scope) { decodeBlock(l, s, &l.b.language.rateLimit) }

func decodeLimitZone(l line, limit *handler.RateLimit) {
	zone := ratelimit.Zone{Name: l.Args[0].Text}
	known := len(l.b.problems)
	l.b.language.zone.read(l.b, l.block(), 0, &zone)
	if len(l.b.problems) > known || l.refuse(l.Args[0], zone.Check()) {
		return
	}
	for _, other := range l.b.zones {
		if other.Name == zone.Name && other.Zone != zone {
			l.problem(l.Args[0], "the zone %s is another one at %s: zones of one name count together, and are the same", zone.Name, other.tok.Pos)
			return
		}
	}
	for _, other := range limit.Zones {
		if other == zone {
			l.problem(l.Args[0], "the zone %s stands here already", zone.Name)
			return
		}
	}
	l.b.zones = append(l.b.zones, namedZone{zone, l.Args[0]})
	limit.Zones = append(limit.Zones, zone)
}
