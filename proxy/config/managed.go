package config

import (
	"cmp"
	"net/netip"
	"reflect"
	"slices"
	"strings"

	"dwaar/acme/issuing"
	"dwaar/proxy/dwaarfile"
)

// managed is a name whose certificate dwaar gets itself.
type managed struct {
	Automatic
	tok dwaarfile.Token // what wants it
	how recipe
	on  []*listener
}

// recipe is all that is said of how a certificate is got and kept.
type recipe struct {
	policy            issuing.Policy // without its names
	ocspOff, onDemand bool
	stapling          Stapling
}

// wanted is a TLS address of a site without certificates in files.
type wanted struct {
	address
	site *site
}

// automate finds the certificates that dwaar gets itself: for every site that
// says so, and for every other whose host no certificate of its listener is for.
// That one may stand in another site of the same host, or of its wildcard.
func (b *builder) automate() {
	for _, l := range b.listeners {
		for _, w := range l.wanted {
			switch {
			case w.site.refused:
			case w.site.issuance != nil:
				b.manage(l, w.site.issuance, w.site.issuance.tok, w.host)
			case l.covers(w.host):
			case b.noAutomatic:
				b.problem(w.tok, "the site %s has no certificate, and auto_https is off: write tls CERT KEY or tls auto in the site, or %s for plain HTTP", w.tok.Text, b.plain(w.address))
			default:
				i := &issuance{tok: w.tok}
				l.names[w.host] = named{tok: w.tok, what: b.recipe(i, w.host)}
				b.manage(l, i, w.tok, w.host)
			}
		}
	}
	b.checkUsed()
	b.keepManaged()
}

// manage notes that l needs a certificate for name, got as i says.
func (b *builder) manage(l *listener, i *issuance, tok dwaarfile.Token, name string) {
	issuers := b.issuersOf(i, name)
	i.tookAny, i.tookCA = true, i.tookCA || isACME(issuers)
	if problem := i.refuses(name, issuers); problem != "" {
		b.problem(tok, "%s%s", prefixOf(tok), problem)
		return
	}
	how := b.recipe(i, name)
	m := b.managed[name]
	if m == nil {
		m = &managed{
			Automatic: Automatic{Position: tok.Pos, Name: name, OCSPOff: i.ocspOff, OCSP: i.stapling, OnDemand: i.onDemand},
			tok:       tok, how: how,
		}
		b.managed[name] = m
		if name != "" && !strings.Contains(name, ".") && issuers[0].CA == issuing.LetsEncrypt {
			b.warn(tok, "%sLet's Encrypt certifies no name without a dot, like %s: write tls internal, or name another CA", prefixOf(tok), name)
		}
		b.inOrder = append(b.inOrder, m)
	}
	if !reflect.DeepEqual(m.how, how) {
		b.problem(tok, "%s%s gets its certificate in another way at %s: one name has one certificate", prefixOf(tok), cmp.Or(name, "any host"), m.tok.Pos)
		return
	}
	if !slices.Contains(m.on, l) {
		m.on = append(m.on, l)
		m.Listeners = append(m.Listeners, l.address())
	}
}

// prefixOf is how problems begin at the directive tls, and at an address not.
func prefixOf(tok dwaarfile.Token) string {
	if tok.Text == "tls" {
		return "tls: "
	}
	return ""
}

// refuses says why name cannot have a certificate in this way, "" if it can.
func (i *issuance) refuses(name string, issuers []issuing.IssuerConfig) string {
	_, err := netip.ParseAddr(name)
	address, wildcard := err == nil, strings.HasPrefix(name, "*.")
	switch {
	case name == "" && !i.onDemand:
		return "a site for any host has no name to get a certificate for: write tls CERT KEY, or tls { on_demand }"
	case address && i.onDemand:
		return name + " is an address, and on_demand is for names"
	case address && isACME(issuers):
		return name + " is an address, which only the local CA certifies: write tls internal"
	case wildcard && !i.onDemand && i.dns == nil && isACME(issuers):
		return "a certificate for " + name + " needs dns or files: CAs prove a wildcard by DNS only (RFC 8555 §8.4)"
	}
	return ""
}

// recipe is how the certificate of name is got and kept.
func (b *builder) recipe(i *issuance, name string) recipe {
	p := issuing.Policy{Issuers: b.issuersOf(i, name), KeyType: cmp.Or(i.keyType, keyTypes[0])}
	if isACME(p.Issuers) {
		p.DNS, p.MustStaple = i.dns, i.mustStaple
	}
	return recipe{policy: p, ocspOff: i.ocspOff, onDemand: i.onDemand, stapling: i.stapling}
}

// checkUsed reports words for a CA in a site whose names are all the local CA's.
func (b *builder) checkUsed() {
	for _, s := range b.sites {
		if i := s.issuance; i != nil && i.tookAny && !i.tookCA && !i.internal && len(i.forACME) > 0 && len(i.issuers) == 0 {
			b.problem(i.forACME[0], "tls: %s is for ACME, and the names of this site are the local CA's: write issuer acme if another CA is meant", i.forACME[0].Text)
		}
	}
}
