package config

import (
	"strings"
	"time"

	"dwaar/netguard"
	"dwaar/tlsstore"
)

// Stapling is what a site says of the staple of its certificate, in place of
// what the global option ocsp says of all; a zero field is as there. It can be
// compared.
type Stapling struct {
	// RefreshEvery and MaxAge bound the time between two refreshes and the age
	// of what is served.
	RefreshEvery time.Duration `json:"refresh_every,omitempty"`
	MaxAge       time.Duration `json:"max_age,omitempty"`
	// MustStapleWait is how long the certificate is refused while it has no
	// staple it must have; negative for not at all.
	MustStapleWait time.Duration `json:"must_staple_wait,omitempty"`
	// Responder is asked, whatever the certificate says.
	Responder string `json:"responder,omitempty"`
	// CertID is "sha1" or "sha256".
	CertID string `json:"cert_id,omitempty"`
	// RequireNextUpdate and CRL are "on" or "off".
	RequireNextUpdate string             `json:"require_next_update,omitempty"`
	OnRevoked         tlsstore.OnRevoked `json:"on_revoked,omitempty"`
	CRL               string             `json:"crl,omitempty"`
}

func staplingOptions() table[*Stapling] {
	const global = "it is about all certificates together: write it in the global option ocsp"
	onOff := func(set func(*Stapling, string)) func(line, *Stapling) {
		return func(l line, s *Stapling) { set(s, l.word(l.Args[0], "on", "off")) }
	}
	return table[*Stapling]{of: "tls: ocsp", noun: "option", rows: []row[*Stapling]{
		{name: "refresh_every", usage: "DURATION", doc: "the longest time between two refreshes",
			decode: func(l line, s *Stapling) { s.RefreshEvery = l.period(l.Args[0]) }},
		{name: "max_age", usage: "DURATION", doc: "how long after its last refresh the staple is served",
			decode: func(l line, s *Stapling) { s.MaxAge = l.period(l.Args[0]) }},
		{name: "must_staple_wait", usage: "DURATION", doc: "how long it is refused while it must have a staple and has none",
			decode: func(l line, s *Stapling) { s.MustStapleWait = l.duration(l.Args[0], none) }},
		{name: "responder", usage: "URL", doc: "asks this URL, whatever the certificate says", decode: decodeOwnResponder},
		{name: "cert_id", usage: "sha1|sha256", doc: "which hash is asked first",
			decode: func(l line, s *Stapling) { s.CertID = l.word(l.Args[0], "sha1", "sha256") }},
		{name: "require_next_update", usage: "on|off", doc: "whether responses without nextUpdate are refused",
			decode: onOff(func(s *Stapling, word string) { s.RequireNextUpdate = word })},
		{name: "on_revoked", usage: "refuse|serve", doc: "what a handshake gets when the certificate is revoked",
			decode: func(l line, s *Stapling) {
				s.OnRevoked = tlsstore.OnRevoked(l.word(l.Args[0], string(tlsstore.Refuse), string(tlsstore.Serve)))
			}},
		{name: "crl", usage: "on|off", doc: "whether it is checked against its CRL where it has no responder",
			decode: onOff(func(s *Stapling, word string) { s.CRL = word })},
		{name: "allow", instead: global},
		{name: "pace", instead: global},
		{name: "start_wait", instead: global},
		{name: "timeout", instead: global},
	}}
}

// decodeSiteOCSP reads `ocsp off` or a block.
func decodeSiteOCSP(l line, i *issuance) {
	switch {
	case len(l.Args) > 0 && l.Args[0].Text != "off":
		l.problem(l.Args[0], "%q is not off", l.Args[0].Text)
	case len(l.Args) > 0 && l.Block != nil:
		l.problem(l.Name, "off has no block")
	case len(l.Args) == 0 && l.Block == nil:
		l.problem(l.Name, "write ocsp off, or ocsp { … }")
	}
	i.ocspOff = len(l.Args) > 0
	l.b.language.stapling.read(l.b, l.block(), 0, &i.stapling)
	every, age := i.stapling.RefreshEvery, i.stapling.MaxAge
	if every == 0 {
		every = l.b.config.Stapler.RefreshEvery
	}
	if age == 0 {
		age = l.b.config.Stapler.MaxAge
	}
	if i.stapling != (Stapling{}) && age < every {
		l.b.warn(l.Name, "tls: ocsp: max_age %v is shorter than refresh_every %v: staples may end before they are refreshed", age, every)
	}
}

func decodeOwnResponder(l line, s *Stapling) {
	guard, err := netguard.New(netguard.Config{})
	if l.refuse(l.Name, err) {
		return
	}
	text := l.Args[0].Text
	if !strings.Contains(text, "://") {
		l.problem(l.Args[0], "%q is no URL: a file of an issuer stands in the global option ocsp", text)
		return
	}
	if _, err := guard.CheckURL(text); !l.refuse(l.Args[0], err) {
		s.Responder = text
	}
}

// Staplings are what the sites of c say, each once; those that say nothing are
// left out.
func (c *Config) Staplings() (all []Stapling) {
	seen := map[Stapling]bool{{}: true}
	add := func(s Stapling) {
		if !seen[s] {
			seen[s] = true
			all = append(all, s)
		}
	}
	for i := range c.Certificates {
		add(c.Certificates[i].OCSP)
	}
	for i := range c.Automatic {
		add(c.Automatic[i].OCSP)
	}
	return all
}

// ChecksCRL says whether a CRL counts, where all is what holds for all.
func (s Stapling) ChecksCRL(all bool) bool {
	if s.CRL == "" {
		return all
	}
	return s.CRL == "on"
}
