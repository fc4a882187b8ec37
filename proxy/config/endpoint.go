package config

import (
	"strconv"
	"strings"

	"dwaar/proxy/dwaarfile"
)

// endpoint is an address of a site with its port and protocol decided.
type endpoint struct {
	address
	tls bool
}

// endpoints decides for each address of a site whether it is served with TLS,
// and on which port. An address without a scheme is https, unless the site has
// `tls off`, or it names the HTTP port, or no host and neither a certificate
// nor the HTTPS port.
func (b *builder) endpoints(s *site) []endpoint {
	var endpoints []endpoint
	anyTLS := false
	for _, a := range s.addresses {
		e := endpoint{address: a}
		switch {
		case a.scheme != "":
			e.tls = a.scheme == "https"
		case s.tlsOff.Text != "" || a.port == b.httpPort:
		case a.host == "" && len(s.pairs) == 0 && !s.refused && a.port != b.httpsPort:
		default:
			e.tls = true
		}
		if e.port == 0 {
			e.port = b.httpPort
			if e.tls {
				e.port = b.httpsPort
			}
		}
		if b.contradicts(s, e) {
			continue
		}
		anyTLS = anyTLS || e.tls
		endpoints = append(endpoints, e)
	}
	if len(s.pairs) > 0 && len(endpoints) > 0 && !anyTLS && s.tlsOff.Text == "" {
		b.problem(s.pairs[0].tok, "tls: no address of this site is served with TLS")
	}
	return endpoints
}

// contradicts reports an address whose parts say different things.
func (b *builder) contradicts(s *site, e endpoint) bool {
	switch {
	case e.tls && e.port == b.httpPort:
		b.problem(e.tok, "site address %q: https on the http_port %d", e.tok.Text, e.port)
	case !e.tls && e.port == b.httpsPort:
		b.problem(e.tok, "site address %q: http on the https_port %d", e.tok.Text, e.port)
	case e.tls && s.tlsOff.Text != "":
		b.problem(s.tlsOff, "tls: off contradicts the address %s", e.tok.Text)
	default:
		return false
	}
	return true
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
