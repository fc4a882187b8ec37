package config

import (
	"reflect"

	"dwaar/proxy/dwaarfile"
	"dwaar/proxy/tlspolicy"
)

func decodeProtocols(l line, i *issuance) {
	var one tlspolicy.Config
	one.MinVersion = l.Args[0].Text
	if len(l.Args) > 1 {
		one.MaxVersion = l.Args[1].Text
	}
	if !l.refuse(l.Args[0], one.Check()) {
		i.policy.MinVersion, i.policy.MaxVersion = one.MinVersion, one.MaxVersion
	}
}

// decodeCiphers leaves to checkPolicy what depends on other options.
func decodeCiphers(l line, i *issuance) {
	i.ciphers = l.Name
	i.policy.Ciphers = l.each(func(name string) error {
		return tlspolicy.Config{Ciphers: []string{name}, ALPN: []string{"http/1.1"}}.Check()
	})
}

func decodeCurves(l line, i *issuance) {
	i.policy.Curves = l.each(func(name string) error { return tlspolicy.Config{Curves: []string{name}}.Check() })
}

func decodeALPN(l line, i *issuance) {
	i.alpn = l.Name
	i.policy.ALPN = l.each(func(name string) error {
		if name == "h3" {
			return nil // but not alone
		}
		return tlspolicy.Config{ALPN: []string{name}}.Check()
	})
}

// each is the arguments that are fit, none of them twice.
func (l line) each(check func(string) error) (fit []string) {
	for i, tok := range l.Args {
		switch {
		case l.refuse(tok, check(tok.Text)):
		case l.has(l.Args[:i], tok.Text):
			l.problem(tok, "%s is there twice", tok.Text)
		default:
			fit = append(fit, tok.Text)
		}
	}
	return fit
}

func (line) has(tokens []dwaarfile.Token, text string) bool {
	for _, tok := range tokens {
		if tok.Text == text {
			return true
		}
	}
	return false
}

func decodeClientAuth(l line, i *issuance) {
	auth := &tlspolicy.ClientAuth{}
	known := len(l.b.problems)
	l.b.language.auth.read(l.b, l.block(), 0, auth)
	if len(l.b.problems) > known {
		return
	}
	if !l.refuse(l.Name, tlspolicy.Config{ClientAuth: auth}.Check()) {
		i.clientAuth = l.Name
		i.policy.ClientAuth = auth
	}
}

func decodeAuthMode(l line, auth *tlspolicy.ClientAuth) {
	auth.Mode = l.word(l.Args[0], tlspolicy.Request, tlspolicy.Require, tlspolicy.VerifyIfGiven, tlspolicy.RequireAndVerify)
}

func decodeTrustPool(l line, auth *tlspolicy.ClientAuth) {
	if l.Args[0].Text != "file" {
		l.problem(l.Args[0], "%q is not supported by dwaar: write trust_pool file FILE", l.Args[0].Text)
		return
	}
	for _, tok := range l.Args[1:] {
		path := l.path(tok)
		l.b.config.RootFiles = append(l.b.config.RootFiles, RootFile{Position: tok.Pos, Path: path})
		auth.TrustPool = append(auth.TrustPool, path)
	}
}

// setPolicy keeps what a tls says of handshakes. Of several in a site one says it.
func (s *site) setPolicy(l line, i *issuance) {
	if reflect.DeepEqual(i.policy, tlspolicy.Config{}) {
		return
	}
	if s.policy != nil {
		l.problem(l.Name, "the handshakes of the site have options at %s already: write all of them there", s.policyAt.Pos)
		return
	}
	if i.alpn.Text != "" && l.refuse(i.alpn, tlspolicy.Config{MaxVersion: i.policy.MaxVersion, ALPN: i.policy.ALPN}.Check()) {
		i.policy.ALPN = nil
	}
	if i.ciphers.Text != "" {
		only := tlspolicy.Config{MinVersion: i.policy.MinVersion, Ciphers: i.policy.Ciphers, ALPN: i.policy.ALPN}
		l.refuse(i.ciphers, only.Check())
	}
	s.policy, s.policyAt, s.clientAuth = &i.policy, l.Name, i.clientAuth
}

// agree reports sites of one host that have different options: a handshake
// cannot tell their paths apart.
func (b *builder) agree(l *listener, s *site, e endpoint) {
	first, known := l.policies[e.host]
	if !known {
		l.policies[e.host] = s
		return
	}
	if !reflect.DeepEqual(first.policy, s.policy) {
		at := e.tok
		if s.policy != nil {
			at = s.policyAt
		}
		where := first.addresses[0].tok
		if first.policy != nil {
			where = first.policyAt
		}
		b.problem(at, "%sthe handshakes of %s have other options at %s, and a handshake cannot tell paths apart: write the same in both",
			prefixOf(at), e.host, where.Pos)
	}
}

// checkPlain refuses a site that asks for certificates at one address and for
// none at another.
func (b *builder) checkPlain(s *site, e endpoint) {
	if !e.tls && s.clientAuth.Text != "" {
		b.problem(s.clientAuth, "tls: client_auth: the address %s is served without TLS, so everybody gets in there: make it a site of its own", e.tok.Text)
	}
}

// policyOn is what s says of the handshakes of a listener.
func (s *site) policyOn(l *listener) *tlspolicy.Config {
	if !l.tls {
		return nil
	}
	return s.policy
}
