package config

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"dwaar/proxy"
	"dwaar/proxy/dwaarfile"
	"dwaar/proxy/handler"
)

// listener is one TCP address being filled with sites.
type listener struct {
	host       string // to listen on, "" for all
	port       int
	tls        bool
	tok        dwaarfile.Token // the address that opened it
	sites      []proxy.Site
	known      map[spot]dwaarfile.Token
	names      map[string]named // whose certificates a name has
	uncovered  []uncovered
	redirects  []string // hosts sent to https
	redirected map[string]bool
}

// spot is what may stand on a listener only once.
type spot struct{ host, path string }

func (l *listener) address() string { return net.JoinHostPort(l.host, strconv.Itoa(l.port)) }

// listen distributes the sites to listeners and adds the redirects to https.
func (b *builder) listen() {
	b.byAddress = map[string]*listener{}
	for _, s := range b.sites {
		chain, endpoints := s.chain(b), b.endpoints(s)
		for _, host := range b.bindsOf(s) {
			b.place(s, host, endpoints, chain)
		}
		b.keepCertificates(s)
	}
	if !b.noRedirects {
		b.redirect()
	}
	b.checkOverlap()
	for _, l := range b.listeners {
		b.config.HTTP.Listeners = append(b.config.HTTP.Listeners,
			proxy.Listener{Address: l.address(), TLS: l.tls, Sites: l.sites})
	}
}

func (b *builder) bindsOf(s *site) []string {
	switch {
	case len(s.binds) > 0:
		return s.binds
	case len(b.defaultBind) > 0:
		return b.defaultBind
	}
	return []string{""}
}

// open gives the listener of an address. A port has TLS or has not.
func (b *builder) open(host string, port int, tls bool, tok dwaarfile.Token) *listener {
	l := &listener{
		host: host, port: port, tls: tls, tok: tok,
		known: map[spot]dwaarfile.Token{}, names: map[string]named{}, redirected: map[string]bool{},
	}
	known := b.byAddress[l.address()]
	switch {
	case known == nil:
		b.byAddress[l.address()] = l
		b.listeners = append(b.listeners, l)
		return l
	case known.tls != tls:
		with := map[bool]string{true: "with TLS", false: "without TLS"}
		b.problem(tok, "%s is served %s here and %s at %s: one port cannot do both", l.address(), with[tls], with[known.tls], known.tok.Pos)
		return nil
	}
	return known
}

// place puts a site on the listeners of one bound address: one proxy.Site for
// each listener and path.
func (b *builder) place(s *site, host string, endpoints []endpoint, chain handler.Chain) {
	type key struct {
		l    *listener
		path string
	}
	index := map[key]int{}
	served := map[*listener][]string{}
	var order []*listener
	for _, e := range endpoints {
		l := b.open(host, e.port, e.tls, e.tok)
		if l == nil || b.taken(l, e.address) {
			continue
		}
		k := key{l, e.path}
		if _, known := index[k]; !known {
			index[k] = len(l.sites)
			l.sites = append(l.sites, proxy.Site{Path: e.path, Routes: chain, Log: s.log})
		}
		at := &l.sites[index[k]]
		at.Hosts = append(at.Hosts, e.host)
		if !e.tls {
			continue
		}
		if len(s.pairs) == 0 {
			l.uncovered = append(l.uncovered, uncovered{e.address, s})
			continue
		}
		if b.certify(l, s, e.host) {
			if served[l] == nil {
				order = append(order, l)
			}
			served[l] = append(served[l], e.host)
		}
	}
	for _, l := range order {
		b.serve(s, l, served[l])
	}
}

// taken reports an address that another site has.
func (b *builder) taken(l *listener, a address) bool {
	p := spot{a.host, a.path}
	if first, known := l.known[p]; known {
		b.problem(a.tok, "the site address %s stands at %s already", a.tok.Text, first.Pos)
		return true
	}
	l.known[p] = a.tok
	return false
}

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

// serve adds names to the certificates of s.
func (b *builder) serve(s *site, l *listener, names []string) {
	for _, p := range s.pairs {
		p.serves = append(p.serves, Served{Listener: l.address(), Names: names})
	}
}

// keepCertificates puts the certificates of s into the configuration.
func (b *builder) keepCertificates(s *site) {
	for _, p := range s.pairs {
		b.config.Certificates = append(b.config.Certificates,
			Certificate{Position: p.tok.Pos, CertFile: p.cert, KeyFile: p.key, OCSPOff: p.ocspOff, Serves: p.serves})
	}
}

// redirect sends http requests for every host on the HTTPS port to https,
// unless a site for http says what they get.
func (b *builder) redirect() {
	for _, from := range slices.Clone(b.listeners) {
		if !from.tls || from.port != b.httpsPort {
			continue
		}
		for _, s := range from.sites {
			for _, host := range s.Hosts {
				b.redirectHost(from, host)
			}
		}
	}
	for _, l := range b.listeners {
		if len(l.redirects) > 0 {
			l.sites = append(l.sites, proxy.Site{Hosts: l.redirects, Routes: b.toHTTPS()})
		}
	}
}

func (b *builder) redirectHost(from *listener, host string) {
	to := net.JoinHostPort(from.host, strconv.Itoa(b.httpPort))
	l := b.byAddress[to]
	if l == nil {
		l = b.open(from.host, b.httpPort, false, from.tok)
	}
	if _, explicit := l.known[spot{host: host}]; !explicit && !l.redirected[host] {
		l.redirected[host] = true
		l.redirects = append(l.redirects, host)
	}
}

func (b *builder) toHTTPS() handler.Chain {
	port := b.httpsPort
	if port == 443 {
		port = 0
	}
	return handler.Chain{{Directive: handler.HTTPSRedirect{Port: port}}}
}

// checkOverlap refuses a port that is bound for all addresses and for one.
func (b *builder) checkOverlap() {
	byPort := map[int][]*listener{}
	for _, l := range b.listeners {
		for _, other := range byPort[l.port] {
			if overlap(l.host, other.host) || overlap(other.host, l.host) {
				b.problem(l.tok, "%s is part of %s, which the site at %s listens on: bind both or neither", l.address(), other.address(), other.tok.Pos)
				break
			}
		}
		byPort[l.port] = append(byPort[l.port], l)
	}
}

// overlap tells whether listening on all takes one, too.
func overlap(all, one string) bool {
	if all == "" || all == "::" {
		return all != one
	}
	addr, err := netip.ParseAddr(one)
	return all == "0.0.0.0" && err == nil && addr.Is4() && one != all
}
