package config

import (
	"slices"
	"strconv"
	"strings"

	"dwaar/proxy/dwaarfile"
)

// certify notes that the certificates of s are for a name of l. Two sites of
// one name, with different paths, cannot have different ones: the handshake
// comes before the path. It tells whether the name is new.
func (b *builder) certify(l *listener, s *site, name string) bool {
	known, twice := l.names[name]
	if !twice {
		l.names[name] = named{s, s.pairs[0].tok}
		return true
	}
	if !slices.EqualFunc(known.site.pairs, s.pairs, func(a, b *pair) bool { return a.cert == b.cert && a.key == b.key }) {
		b.problem(s.pairs[0].tok, "tls: %s has other certificates at %s, and a handshake cannot tell paths apart", name, known.tok.Pos)
	}
	return false
}

// covers tells whether a certificate of l is for host.
func (l *listener) covers(host string) bool {
	_, exact := l.names[host]
	_, parent, _ := strings.Cut(host, ".")
	_, wildcard := l.names["*."+parent]
	return exact || wildcard
}

// serve notes that the certificates of s are shown for a name.
func (s *site) serve(listener, name string) {
	i := slices.IndexFunc(s.serves, func(served Served) bool { return served.Listener == listener })
	if i < 0 {
		i = len(s.serves)
		s.serves = append(s.serves, Served{Listener: listener})
	}
	s.serves[i].Names = append(s.serves[i].Names, name)
}

// keepCertificates puts the certificates of s into the configuration.
func (b *builder) keepCertificates(s *site) {
	for _, p := range s.pairs {
		b.config.Certificates = append(b.config.Certificates,
			Certificate{Position: p.tok.Pos, CertFile: p.cert, KeyFile: p.key, OCSPOff: p.ocspOff, Serves: s.serves})
	}
}

// checkCertificates refuses TLS addresses without a certificate, and
// certificates that contradict each other.
func (b *builder) checkCertificates() {
	b.checkCovered()
	known := map[[2]string]*pair{}
	for _, s := range b.sites {
		for _, p := range s.pairs {
			files := [2]string{p.cert, p.key}
			if other := known[files]; other != nil && other.ocspOff != p.ocspOff {
				b.problem(p.tok, "tls: this certificate stands at %s too, and ocsp is off at one of them only", other.tok.Pos)
			}
			known[files] = p
		}
	}
}

// checkCovered refuses a TLS address whose host no certificate of its listener
// is for: getting one is not dwaar's yet. The certificate may stand in another
// site of the same host, or of its wildcard.
func (b *builder) checkCovered() {
	for _, l := range b.listeners {
		for _, u := range l.uncovered {
			if !l.covers(u.host) && !u.site.refused {
				b.problem(u.tok, "the site %s has no certificate, and getting one automatically is not supported yet by dwaar: write tls CERT KEY in the site, or %s for plain HTTP", u.tok.Text, b.plain(u.address))
			}
		}
	}
}

// plain is the address to write for a site without TLS.
func (b *builder) plain(a address) string {
	text := "http://" + a.host
	if strings.Contains(a.host, ":") {
		text = "http://[" + a.host + "]"
	}
	if a.port != 0 && a.port != b.httpsPort {
		text += ":" + strconv.Itoa(a.port)
	}
	return text + a.path
}

// uncovered is a TLS address of a site without a certificate of its own.
type uncovered struct {
	address
	site *site
}

// named is a certificate of a listener and the site that brought it.
type named struct {
	site *site
	tok  dwaarfile.Token
}
