package config

import (
	"dwaar/proxy/accesslog"
	"dwaar/proxy/dwaarfile"
	"dwaar/proxy/handler"
	"dwaar/proxy/tlspolicy"
)

// site is one site block, decoded.
type site struct {
	scope
	addresses  []address
	pairs      []*pair
	issuance   *issuance         // what its tls says of a certificate that dwaar gets, nil if nothing
	tlsAt      dwaarfile.Token   // its first tls, zero if there is none
	tlsOff     dwaarfile.Token   // the directive tls off, zero if it is not there
	refused    bool              // what its tls says is refused already
	policy     *tlspolicy.Config // what its tls says of handshakes, nil if nothing
	policyAt   dwaarfile.Token   // the directive that says it
	clientAuth dwaarfile.Token   // the option in it, zero if it is not there
	binds      []string
	serves     []Served // names its certificates are shown for
	logs       []accesslog.Config
	errors     handler.HandleErrors
	uses       []use                      // all directives
	captures   []string                   // the names of all regular expressions
	answered   map[string]dwaarfile.Token // the failures that errors answers, "" for all
	rooted     bool                       // a directive root is somewhere in it
}

// pair is one tls CERT KEY.
type pair struct {
	tok       dwaarfile.Token
	cert, key string
	ocspOff   bool
	stapling  Stapling
}

// readSite decodes one site block.
func (b *builder) readSite(block *dwaarfile.Site) {
	s := &site{scope: scope{matchers: map[string]*definition{}}, answered: map[string]dwaarfile.Token{}}
	s.scope.site = s
	for _, tok := range block.Addresses {
		if b.forgotten(block, tok) {
			continue
		}
		a, err := parseAddress(tok)
		if err != nil {
			b.problem(tok, "site address %q: %v", tok.Text, err)
			continue
		}
		s.addresses = append(s.addresses, a)
	}
	s.scope.read(b, block.Block.Directives, inSite)
	s.checkRooted(b)
	s.checkCaptures(b)
	b.sites = append(b.sites, s)
}

// forgotten reports a directive that stands where an address should: in a file
// without braces its first line is the address.
func (b *builder) forgotten(block *dwaarfile.Site, tok dwaarfile.Token) bool {
	if block.Block.Open.Line > 0 || b.language.site.find(tok.Text) == nil {
		return false
	}
	if tok.Pos == block.Addresses[0].Pos {
		b.problem(tok, "the directive %s stands where the address of its site is expected", tok.Text)
	}
	return true
}

func decodeBind(l line, s *scope) {
	s.site.binds = l.addresses()
}

func (s *site) addPair(l line, p *pair) {
	switch {
	case s.tlsOff.Text != "":
		l.problem(l.Name, "tls off stands at %s already", s.tlsOff.Pos)
	case s.issuance != nil:
		l.problem(l.Name, "dwaar gets the certificate of this site itself, says tls at %s", s.issuance.tok.Pos)
	}
	for _, known := range s.pairs {
		if known.cert == p.cert && known.key == p.key {
			l.problem(l.Name, "the same certificate stands at %s already", known.tok.Pos)
			return
		}
	}
	s.pairs = append(s.pairs, p)
}

func (s *site) setOff(l line) {
	switch {
	case l.Block != nil:
		l.problem(l.Name, "off has no block")
	case len(s.pairs) > 0:
		l.problem(l.Name, "the site has a certificate, at %s", s.pairs[0].tok.Pos)
	case s.issuance != nil:
		l.problem(l.Name, "dwaar gets the certificate of this site itself, says tls at %s", s.issuance.tok.Pos)
	case s.tlsOff.Text != "":
		l.problem(l.Name, "tls off stands at %s already", s.tlsOff.Pos)
	}
	s.tlsOff = l.Name
}
