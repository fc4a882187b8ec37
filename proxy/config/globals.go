package config

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"dwaar/proxy/admin"
	"dwaar/proxy/dwaarfile"
	"dwaar/tlsstore"
)

// Defaults that their packages fill in for a zero.
const (
	defaultCacheSize      = 10_000
	defaultMustStapleWait = 30 * time.Second
)

// readGlobal decodes the global options.
func (b *builder) readGlobal(block *dwaarfile.Block) {
	if block != nil {
		b.language.global.read(b, block.Directives, 0, b)
	}
	b.ca.check(b)
	if b.httpPort == b.httpsPort {
		b.problem(b.portSet, "http_port and https_port are both %d", b.httpPort)
	}
}

func decodeHTTPPort(l line, b *builder) {
	b.httpPort = l.number(l.Args[0], 1, 65535)
	b.portSet = l.Args[0]
}

func decodeHTTPSPort(l line, b *builder) {
	b.httpsPort = l.number(l.Args[0], 1, 65535)
	b.portSet = l.Args[0]
}

func decodeDefaultBind(l line, b *builder) { b.defaultBind = l.addresses() }

// addresses are the arguments as IP addresses to listen on.
func (l line) addresses() []string {
	var hosts []string
	for _, tok := range l.Args {
		addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(tok.Text, "["), "]"))
		if err != nil {
			l.problem(tok, "%q is not an IP address", tok.Text)
			continue
		}
		host := addr.Unmap().String()
		if slices.Contains(hosts, host) {
			l.problem(tok, "%s stands here twice", host)
			continue
		}
		hosts = append(hosts, host)
	}
	return hosts
}

func decodeDefaultSNI(l line, b *builder) {
	name, err := siteName(l.Args[0].Text)
	if l.refuse(l.Args[0], err) {
		return
	}
	if name == "" || strings.HasPrefix(name, "*") {
		l.problem(l.Args[0], "%q is not one name", l.Args[0].Text)
	}
	b.config.TLS.DefaultSNI, b.config.HTTP.DefaultSNI = name, name
}

func decodeAutoHTTPS(l line, b *builder) {
	for _, known := range []string{"disable_certs", "ignore_loaded_certs", "prefer_wildcard"} {
		if l.Args[0].Text == known {
			l.problem(l.Args[0], "%s is not supported by dwaar", known)
			return
		}
	}
	b.noAutomatic = l.word(l.Args[0], "off", "disable_redirects") == "off"
	b.noRedirects = true
}

func decodeCacheSize(l line, b *builder) {
	b.config.TLS.CacheSize = l.number(l.Args[0], 1, 100_000_000)
	b.cacheSize = l.Name
}

func decodeAdmin(l line, b *builder) {
	listen := l.Args[0]
	c := admin.Config{Listen: listen.Text}
	b.language.adminOpts.read(b, l.block(), 0, &c)
	b.config.Admin = c
	if listen.Text == admin.Off {
		if l.Block != nil {
			l.problem(listen, "off has no block")
		}
		return
	}
	address, err := admin.ParseAddress(listen.Text)
	if l.refuse(listen, err) {
		return
	}
	if address.Network == "unix" && l.Block != nil {
		l.problem(listen, "a Unix socket is guarded by its permissions and has no block")
		return
	}
	if l.Block == nil || len(l.Block.Directives) == 0 {
		l.refuse(listen, c.Check())
	}
}

func decodeToken(l line, c *admin.Config) {
	if c.Token = l.Args[0].Text; len(c.Token) < minToken {
		l.problem(l.Args[0], "a token has at least %d characters", minToken)
	}
}

// minToken keeps out tokens that can be guessed over the network.
const minToken = 16

func decodeGracePeriod(l line, b *builder) { b.config.HTTP.GracePeriod = l.duration(l.Args[0], atOnce) }

func decodeOnRevoked(l line, b *builder) {
	b.config.TLS.OnRevoked = tlsstore.OnRevoked(l.word(l.Args[0], string(tlsstore.Refuse), string(tlsstore.Serve)))
}
