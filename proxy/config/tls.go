package config

import (
	"slices"
	"strings"

	"dwaar/proxy/dwaarfile"
)

// tlsDecoder decodes one option of tls.
type tlsDecoder = func(line, *issuance)

// ofManaged marks an option that says nothing of a certificate in files.
func ofManaged(decode tlsDecoder) tlsDecoder {
	return func(l line, i *issuance) {
		i.forManaged = append(i.forManaged, l.Name)
		decode(l, i)
	}
}

// ofACME marks an option that says nothing of the local CA either.
func ofACME(decode tlsDecoder) tlsDecoder {
	return ofManaged(func(l line, i *issuance) {
		i.forACME = append(i.forACME, l.Name)
		decode(l, i)
	})
}

func decodeTLS(l line, s *scope) {
	i := &issuance{tok: l.Name}
	if s.site.tlsAt.Text == "" {
		s.site.tlsAt = l.Name
	}
	known := len(l.b.problems)
	if len(l.Args) == 1 {
		i.setForm(l, l.Args[0])
	}
	l.b.language.tls.read(l.b, l.block(), 0, i)
	s.site.setPolicy(l, i)
	switch {
	case len(l.Args) == 2 && slices.Contains([]string{"auto", "internal", "off"}, l.Args[0].Text):
		l.problem(l.Args[1], "%s stands alone; a file of this name is ./%[1]s", l.Args[0].Text)
	case len(l.Args) == 2:
		for _, option := range i.forManaged {
			l.problem(option, "%s is for certificates that dwaar gets itself, not for files", option.Text)
		}
		s.site.addPair(l, &pair{tok: l.Name, cert: l.path(l.Args[0]), key: l.path(l.Args[1]), ocspOff: i.ocspOff, stapling: i.stapling})
		return
	case len(l.Args) == 1 && l.Args[0].Text == "off":
		s.site.setOff(l)
		return
	case len(l.Args) == 0 && l.Block == nil:
		l.problem(l.Name, "write tls auto, or nothing at all: both get a certificate by themselves")
	}
	if len(l.Args) > 0 || i.saysOfCertificates() {
		i.check(l)
		s.site.setIssuance(l, i)
	}
	s.site.refused = s.site.refused || len(l.b.problems) > known
}

// setForm reads the one argument of tls.
func (i *issuance) setForm(l line, word dwaarfile.Token) {
	switch {
	case word.Text == "auto" || word.Text == "off":
	case word.Text == "internal":
		i.internal = true
	case word.Text == "force_automate":
		l.problem(word, "force_automate is not supported by dwaar: write tls auto")
	case strings.Contains(word.Text, "@") || strings.Contains(word.Text, "{env."):
		i.email = l.email(word)
		i.forACME = append(i.forACME, word)
	default:
		l.problem(word, "%q is not auto, internal, off or an e-mail address, and a certificate in a file needs its key: write tls CERT KEY", word.Text)
	}
}

func decodeKeyType(l line, i *issuance) {
	i.keyType = l.word(l.Args[0], keyTypes...)
}

// keyTypes are what key_type may say, the default first.
var keyTypes = []string{"p256", "p384", "ed25519", "rsa2048", "rsa4096"}

// decodeOnDemand wants to know first who is asked for permission.
func decodeOnDemand(l line, i *issuance) {
	i.onDemand = true
	if l.b.config.ACME.OnDemand == nil {
		l.problem(l.Name, "it needs the global option on_demand_tls { ask URL }: else anybody could have certificates ordered for any name")
	}
}

func (s *site) setIssuance(l line, i *issuance) {
	switch {
	case len(s.pairs) > 0:
		l.problem(l.Name, "the site has a certificate, at %s", s.pairs[0].tok.Pos)
	case s.tlsOff.Text != "":
		l.problem(l.Name, "tls off stands at %s already", s.tlsOff.Pos)
	case s.issuance != nil:
		l.problem(l.Name, "it stands at %s already: only certificates in files may be several", s.issuance.tok.Pos)
	}
	s.issuance = i
}
