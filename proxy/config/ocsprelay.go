package config

import (
	"reflect"
	"slices"

	"dwaar/netguard"
	"dwaar/ocspsvc/relay"
	"dwaar/proxy/handler"
)

// OCSPRelay is one for all directives ocsp_relay that say the same.
type OCSPRelay struct {
	relay.Config

	Located `json:"-"`
}

// relaying is an ocsp_relay that is being read.
type relaying struct{ OCSPRelay }

func ocspRelayOptions() table[*relaying] {
	return table[*relaying]{of: "ocsp_relay", noun: "option", rows: []row[*relaying]{
		{name: "issuer", usage: "FILE [URL]", many: true, doc: "a CA whose certificates may be asked about, and where its responder is", decode: decodeRelayed},
		{name: "certificates", usage: "PATTERN…", many: true, doc: "files with certificates whose answers are there before anybody asks", decode: decodePrefetched},
		{name: "timeout", usage: "DURATION", doc: "how long who asks may wait",
			decode: func(l line, r *relaying) { r.Timeout = l.period(l.Args[0]) }},
		{name: "limits", usage: "{ … }", doc: "what clients can make it do", decode: decodeRelayLimits},
	}}
}

func relayLimits() table[*relay.Limits] {
	number := func(most int, into func(*relay.Limits) *int) func(line, *relay.Limits) {
		return func(l line, limits *relay.Limits) { *into(limits) = l.number(l.Args[0], 1, most) }
	}
	return table[*relay.Limits]{of: "limits", noun: "option", rows: []row[*relay.Limits]{
		{name: "entries", usage: "NUMBER", doc: "how many answers that clients asked for stay in memory",
			decode: number(100_000_000, func(limits *relay.Limits) *int { return &limits.Entries })},
		{name: "bytes", usage: "SIZE", doc: "how much memory they may take",
			decode: func(l line, limits *relay.Limits) { limits.Bytes = l.size(l.Args[0], 1<<10, 1<<40) }},
		{name: "stored", usage: "NUMBER", doc: "how many answers are kept in storage",
			decode: number(100_000_000, func(limits *relay.Limits) *int { return &limits.Stored })},
		{name: "waiting", usage: "NUMBER", doc: "how many clients may wait for responders",
			decode: number(1_000_000, func(limits *relay.Limits) *int { return &limits.Waiting })},
		{name: "unknown_rate", usage: "NUMBER", doc: "how many certificates in a second a responder is asked about that it does not know",
			decode: number(10_000, func(limits *relay.Limits) *int { return &limits.UnknownRate })},
		{name: "passing", usage: "NUMBER", doc: "how many requests that no kept answer fits may be with responders",
			decode: number(10_000, func(limits *relay.Limits) *int { return &limits.Passing })},
		{name: "passing_rate", usage: "NUMBER", doc: "how many of them are passed on to a responder in a second",
			decode: number(10_000, func(limits *relay.Limits) *int { return &limits.PassingRate })},
	}}
}

func decodeOCSPRelay(l line, s *scope) {
	set, ok := l.onlyMatcher()
	if !ok {
		return
	}
	r := &relaying{OCSPRelay{Located: Located{Position: l.Name.Pos}}}
	known := len(l.b.problems)
	l.b.language.ocspRelay.read(l.b, l.block(), 0, r)
	r.noteBlock(l)
	refused := len(l.b.problems) > known
	said := func(option string) bool { return option == "issuer" && refused && l.written(option) }
	if r.complain(l, said, r.Check()) || refused {
		return
	}
	s.add(l, l.Name, set, handler.OCSPRelay{Relay: l.b.relay(r.OCSPRelay)})
}

// relay is the number of r, which is that of one that says the same.
func (b *builder) relay(r OCSPRelay) int {
	same := func(other OCSPRelay) bool { return reflect.DeepEqual(other.Config, r.Config) }
	if i := slices.IndexFunc(b.config.OCSPRelays, same); i >= 0 {
		return i
	}
	b.config.OCSPRelays = append(b.config.OCSPRelays, r)
	return len(b.config.OCSPRelays) - 1
}

func decodeRelayed(l line, r *relaying) {
	issuer := relay.Issuer{Certificate: l.path(l.Args[0])}
	if len(l.Args) > 1 {
		guard, err := netguard.New(netguard.Config{})
		if err == nil {
			_, err = guard.CheckURL(l.Args[1].Text)
		}
		if l.refuse(l.Args[1], err) {
			return
		}
		issuer.Responder = l.Args[1].Text
	}
	if issuer.Certificate == "" {
		return
	}
	if slices.Contains(r.Issuers, issuer) {
		l.problem(l.Args[0], "%s is named already", l.Args[0].Text)
		return
	}
	r.Issuers = append(r.Issuers, issuer)
	r.note(l, l.Args[0], issuer.Certificate)
}

func decodePrefetched(l line, r *relaying) {
	for _, tok := range l.Args {
		if pattern := l.path(tok); slices.Contains(r.Certificates, pattern) {
			l.problem(tok, "%s is named already", tok.Text)
		} else if pattern != "" {
			r.Certificates = append(r.Certificates, pattern)
			r.note(l, tok, pattern)
		}
	}
}

func decodeRelayLimits(l line, r *relaying) {
	if len(l.block()) == 0 {
		l.problem(l.Name, "a limit is missing, like entries 1000")
	}
	l.b.language.relayLimits.read(l.b, l.block(), 0, &r.Limits)
}

// proxied are the relays of a site that answers for hosts that are of no site,
// as clients ask a proxy for them: one with a relay does. One that forwards, or
// sends files, does not, and has none here: who can be made to ask for a name
// of somebody's choice must not reach those (DNS rebinding).
func (s *site) proxied() (relays []int) {
	for _, u := range s.uses {
		switch d := u.directive.(type) {
		case handler.OCSPRelay:
			relays = append(relays, d.Relay)
		case handler.OCSPResponder, handler.Respond, handler.Error, handler.Abort:
		case handler.FileServer:
			return nil
		default:
			if answers(d) {
				return nil
			}
		}
	}
	return relays
}

// checkProxied lets a site answer for other hosts, and warns of a relay that
// clients cannot use as a proxy, because a different one has that place.
func (l *listener) checkProxied(b *builder, s *site, e endpoint) {
	relays := s.proxied()
	switch {
	case e.tls || e.path != "" || len(relays) == 0 || l.proxied == s:
	case l.proxied == nil:
		l.proxied = s
	case !slices.Equal(relays, l.proxied.proxied()):
		b.warn(e.tok, "ocsp_relay: requests for other hosts, as clients send them to a proxy, are answered by the site at %s, which stands first on %s", l.proxied.addresses[0].tok.Pos, l.address())
	}
}
