package config

import (
	"cmp"
	"slices"

	"dwaar/acme/issuing"
	"dwaar/acme/localca"
)

// decodeIssuer adds one issuer to those that are tried in order.
func decodeIssuer(l line, i *issuance) {
	issuer := issuing.IssuerConfig{CA: issuing.Internal}
	switch kind := l.Args[0]; kind.Text {
	case issuing.Internal:
		if len(l.Args) > 1 || l.Block != nil {
			l.problem(l.Name, "internal has neither a URL nor a block")
		}
	case "acme":
		issuer = l.acmeIssuer(i)
	case "zerossl":
		l.problem(kind, "zerossl is not supported by dwaar: write issuer acme https://acme.zerossl.com/v2/DV90 with its eab")
		return
	default:
		l.problem(kind, "%q is not acme or internal", kind.Text)
		return
	}
	if slices.ContainsFunc(i.issuers, func(known issuing.IssuerConfig) bool { return known.CA == issuer.CA }) {
		l.problem(l.Name, "the same issuer stands here already")
	}
	i.issuers = append(i.issuers, issuer)
}

// acmeIssuer is the CA of a URL, with roots and account of its own, or the one
// of the global options.
func (l line) acmeIssuer(i *issuance) issuing.IssuerConfig {
	issuer := l.b.globalIssuer()
	if len(l.Args) > 1 {
		issuer = issuing.IssuerConfig{CA: l.directory(l.Args[1])}
	}
	own := issuing.IssuerConfig{}
	l.b.language.issuer.read(l.b, l.block(), 0, &own)
	issuer.Email = cmp.Or(own.Email, i.email, l.b.ca.email)
	if len(l.Args) > 1 {
		issuer.Roots, issuer.EAB = own.Roots, own.EAB
	} else if own.Roots != nil || own.EAB != nil {
		l.problem(l.Name, "root and eab are for issuer acme URL; those of acme_ca are acme_ca_root and acme_eab")
	}
	return issuer
}

// globalIssuer is the CA of the global options, without an account.
func (b *builder) globalIssuer() issuing.IssuerConfig {
	return issuing.IssuerConfig{CA: b.ca.directory, Roots: b.ca.roots, EAB: b.ca.eab}
}

func decodeIssuerEAB(l line, c *issuing.IssuerConfig) {
	id, _ := l.expand(l.Args[0])
	if id == "" {
		l.problem(l.Args[0], "an empty key ID")
	}
	c.EAB = &issuing.EAB{KeyID: id, HMAC: l.macKey(l.Args[1])}
}

// issuersOf are who is asked for a certificate for name, in order.
func (b *builder) issuersOf(i *issuance, name string) []issuing.IssuerConfig {
	switch {
	case len(i.issuers) > 0:
		return i.issuers
	case i.internal || i.ca == "" && (b.ca.local.Text != "" || localca.IsLocal(name)):
		return []issuing.IssuerConfig{{CA: issuing.Internal}}
	}
	issuer := b.globalIssuer()
	if i.ca != "" {
		issuer = issuing.IssuerConfig{CA: i.ca}
	}
	if i.roots != nil {
		issuer.Roots = i.roots
	}
	issuer.Email = cmp.Or(i.email, b.ca.email)
	return []issuing.IssuerConfig{issuer}
}

// isACME tells whether one of the issuers is a CA that wants proof of a name.
func isACME(issuers []issuing.IssuerConfig) bool {
	return slices.ContainsFunc(issuers, func(c issuing.IssuerConfig) bool { return c.CA != issuing.Internal })
}
