package config

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"dwaar/proxy/dwaarfile"
)

// certify notes that l has the certificates of s for a name. Two sites of one
// name, with different paths, cannot have different ones: the handshake comes
// before the path. It tells whether the name is new.
func (b *builder) certify(l *listener, s *site, name string) bool {
	tok, what := s.certificates(b, name)
	known, twice := l.names[name]
	if !twice {
		l.names[name] = named{tok: tok, what: what, pattern: s.issuance != nil && s.issuance.onDemand}
		return true
	}
	if !reflect.DeepEqual(known.what, what) {
		b.problem(tok, "tls: %s has other certificates at %s, and a handshake cannot tell paths apart", name, known.tok.Pos)
	}
	return false
}

// certificates is what s says of the certificate for name, and where.
func (s *site) certificates(b *builder, name string) (dwaarfile.Token, any) {
	if s.issuance != nil {
		return s.issuance.tok, b.recipe(s.issuance, name)
	}
	files := make([][2]string, len(s.pairs))
	for i, p := range s.pairs {
		files[i] = [2]string{p.cert, p.key}
	}
	return s.pairs[0].tok, files
}

// covers tells whether a certificate of l is for host.
func (l *listener) covers(host string) bool {
	_, exact := l.names[host]
	_, parent, _ := strings.Cut(host, ".")
	above, wildcard := l.names["*."+parent]
	return exact || wildcard && !above.pattern
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
			Certificate{Position: p.tok.Pos, CertFile: p.cert, KeyFile: p.key, OCSPOff: p.ocspOff, OCSP: p.stapling, Serves: s.serves})
	}
}

// checkCertificates refuses certificates in files that contradict each other.
func (b *builder) checkCertificates() {
	known := map[[2]string]*pair{}
	for _, s := range b.sites {
		for _, p := range s.pairs {
			files := [2]string{p.cert, p.key}
			switch other := known[files]; {
			case other == nil:
			case other.ocspOff != p.ocspOff:
				b.problem(p.tok, "tls: this certificate stands at %s too, and ocsp is off at one of them only", other.tok.Pos)
			case other.stapling != p.stapling:
				b.problem(p.tok, "tls: this certificate stands at %s too, with another ocsp: it has one staple", other.tok.Pos)
			}
			known[files] = p
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

// named are the certificates of a name on a listener.
type named struct {
	tok     dwaarfile.Token // what brought them
	what    any             // a recipe, or the files, to compare
	pattern bool            // a wildcard that stands for certificates of single names
}
