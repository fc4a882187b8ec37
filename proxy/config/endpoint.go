package config

// endpoint is an address of a site with its port and protocol decided.
type endpoint struct {
	address
	tls bool
}

// endpoints decides for each address of a site whether it is served with TLS,
// and on which port. An address without a scheme is https, unless the site has
// `tls off`, or it names the HTTP port, or no host and neither a directive tls
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
		case a.host == "" && s.tlsAt.Text == "" && a.port != b.httpsPort:
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
	if s.tlsAt.Text != "" && len(endpoints) > 0 && !anyTLS && s.tlsOff.Text == "" {
		b.problem(s.tlsAt, "tls: no address of this site is served with TLS")
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
