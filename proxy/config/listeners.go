package config

import (
	"net"
	"strconv"

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
	last       *site // whose sites end with the last one
	known      map[spot]dwaarfile.Token
	names      map[string]named // whose certificates a name has
	policies   map[string]*site // who speaks first of the handshakes of a name
	wanted     []wanted         // what has no certificate in files
	proxied    *site            // who answers for other hosts
	redirects  []string         // hosts sent to https
	redirected map[string]bool
}

// spot is what may stand on a listener only once.
type spot struct{ host, path string }

func (l *listener) address() string { return net.JoinHostPort(l.host, strconv.Itoa(l.port)) }

// listen distributes the sites to listeners and adds the redirects to https.
func (b *builder) listen() {
	b.byAddress = map[string]*listener{}
	for _, s := range b.sites {
		chain, endpoints := s.handlers(b), b.endpoints(s)
		for _, host := range b.bindsOf(s) {
			b.place(s, host, endpoints, chain)
		}
		b.keepCertificates(s)
	}
	b.automate()
	if !b.noRedirects {
		b.redirect()
	}
	b.listenForChallenges()
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
		known: map[spot]dwaarfile.Token{}, names: map[string]named{}, policies: map[string]*site{}, redirected: map[string]bool{},
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

// place puts a site on the listeners of one bound address.
func (b *builder) place(s *site, host string, endpoints []endpoint, chain handler.Chain) {
	for _, e := range endpoints {
		l := b.open(host, e.port, e.tls, e.tok)
		if l == nil || b.taken(l, e.address) {
			continue
		}
		l.checkProxied(b, s, e)
		l.add(s, e, chain)
		b.checkPlain(s, e)
		if e.tls {
			b.agree(l, s, e)
		}
		switch {
		case !e.tls:
		case s.refused:
		case len(s.pairs) > 0:
			if b.certify(l, s, e.host) {
				s.serve(l.address(), e.host)
			}
		case s.issuance == nil || b.certify(l, s, e.host):
			l.wanted = append(l.wanted, wanted{e.address, s})
		}
	}
}

// add makes the hosts of a site with one path one proxy.Site.
func (l *listener) add(s *site, e endpoint, chain handler.Chain) {
	if l.last != s || l.sites[len(l.sites)-1].Path != e.path {
		l.sites = append(l.sites, proxy.Site{
			Path: e.path, Routes: chain, Logs: s.logs, TLS: s.policyOn(l), Proxied: l.proxied == s && e.path == "",
		})
		l.last = s
	}
	at := &l.sites[len(l.sites)-1]
	at.Hosts = append(at.Hosts, e.host)
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
