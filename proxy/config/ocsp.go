package config

import (
	"slices"
	"strings"

	"dwaar/netguard"
	"dwaar/ocspsvc/client"
)

func decodeOCSP(l line, b *builder) {
	b.language.ocsp.read(b, l.block(), 0, b)
	stapling := b.config.Stapler
	if stapling.MaxAge < stapling.RefreshEvery {
		b.warn(l.Name, "ocsp: max_age %v is shorter than refresh_every %v: staples may end before they are refreshed",
			stapling.MaxAge, stapling.RefreshEvery)
	}
}

// decodeOCSPTimeout sets one refresh, which is one round of the client and,
// where the chain is incomplete, the fetching of an issuer before it.
func decodeOCSPTimeout(l line, b *builder) {
	d := l.period(l.Args[0])
	b.config.Stapler.Timeout, b.config.Client.Timeout = d, d
}

func decodeMaxAge(l line, b *builder) {
	d := l.period(l.Args[0])
	b.config.Stapler.MaxAge, b.config.Client.MaxAge = d, d
}

func decodeRequireNextUpdate(l line, b *builder) {
	required := l.word(l.Args[0], "on", "off") == "on"
	b.config.Stapler.RequireNextUpdate, b.config.Client.RequireNextUpdate = required, required
}

func decodeCRL(l line, b *builder) { b.config.CRL = l.word(l.Args[0], "on", "off") == "on" }

func decodeAllow(l line, b *builder) {
	for _, tok := range l.Args {
		if _, err := netguard.New(netguard.Config{Allow: []string{tok.Text}}); err != nil {
			text := strings.TrimPrefix(err.Error(), "allow ")
			l.problem(tok, "%s", text)
			continue
		}
		if !slices.Contains(b.config.Guard.Allow, tok.Text) {
			b.config.Guard.Allow = append(b.config.Guard.Allow, tok.Text)
		}
	}
}

// decodeResponder reads an override: of a URL, or for all certificates of an
// issuer, whose certificate is in a file.
func decodeResponder(l line, b *builder) {
	guard, err := netguard.New(netguard.Config{})
	if l.refuse(l.Name, err) {
		return
	}
	override := client.Override{For: l.Args[0].Text, URL: l.Args[1].Text}
	if strings.Contains(override.For, "://") {
		_, err = guard.CheckURL(override.For)
		l.refuse(l.Args[0], err)
	} else {
		override.For = l.path(l.Args[0])
	}
	_, err = guard.CheckURL(override.URL)
	l.refuse(l.Args[1], err)
	b.config.Client.Overrides = append(b.config.Client.Overrides, override)
	b.config.OverridesAt = append(b.config.OverridesAt, l.Name.Pos)
}
