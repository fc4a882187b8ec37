package config

import (
	"net"
	"slices"
	"strconv"

	"dwaar/proxy"
	"dwaar/proxy/handler"
)

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
