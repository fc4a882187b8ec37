package config

import (
	"errors"
	"net/netip"
	"slices"
	"strings"

	"dwaar/proxy"
	"dwaar/proxy/dwaarfile"
)

// privateRanges are the networks that no router of the Internet has: what
// Caddy calls private_ranges.
var privateRanges = []string{"192.168.0.0/16", "172.16.0.0/12", "10.0.0.0/8", "127.0.0.0/8", "fd00::/8", "::1/128"}

func decodeServers(l line, b *builder) {
	b.language.servers.read(b, l.block(), 0, b)
	trust := b.config.HTTP.Trust
	named := slices.ContainsFunc(l.block(), func(d *dwaarfile.Directive) bool { return d.Name.Text == "trusted_proxies" })
	if !named && (len(trust.Headers) > 0 || trust.Strict) {
		l.problem(l.Name, "client_ip_headers and trusted_proxies_strict say how trusted_proxies are believed, and there are none")
	}
}

func decodeTimeouts(l line, b *builder) {
	b.language.timeouts.read(b, l.block(), 0, &b.config.HTTP.Timeouts)
}

func decodeSpoken(l line, b *builder) {
	var list []string
	for _, tok := range l.Args {
		if tok.Text == "h2c" {
			l.problem(tok, "h2c is not supported by dwaar: HTTP/2 is for https")
			continue
		}
		p := l.word(tok, proxy.HTTP1, proxy.HTTP2, proxy.HTTP3)
		if slices.Contains(list, p) && p == tok.Text {
			l.problem(tok, "%s stands here twice", p)
		}
		list = append(list, p)
	}
	if !slices.Contains(list, proxy.HTTP1) {
		l.problem(l.Name, "h1 is missing: plain HTTP, its redirects and the challenges of a CA need it")
	}
	b.config.HTTP.Protocols = list
}

func decodeTrustedProxies(l line, b *builder) {
	if source := l.Args[0]; source.Text != "static" {
		l.problem(source, "%s is not supported by dwaar: write static and the networks", source.Text)
		return
	}
	for _, tok := range l.Args[1:] {
		for _, text := range rangesOf(tok.Text) {
			network, err := parseNetwork(text)
			if err != nil {
				l.problem(tok, "%q is neither a network like 10.0.0.0/8 nor an address nor private_ranges", tok.Text)
				continue
			}
			b.config.HTTP.Trust.Proxies = append(b.config.HTTP.Trust.Proxies, network)
		}
	}
}

func rangesOf(text string) []string {
	if text == "private_ranges" {
		return privateRanges
	}
	return []string{text}
}

// parseNetwork reads a network, or an address as the network of it alone.
func parseNetwork(text string) (netip.Prefix, error) {
	if strings.Contains(text, "/") {
		return netip.ParsePrefix(text)
	}
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Zone() != "" {
		return netip.Prefix{}, errors.New("no address")
	}
	return netip.PrefixFrom(addr, addr.BitLen()), nil
}

func decodeClientIPHeaders(l line, b *builder) {
	for _, tok := range l.Args {
		if strings.ContainsAny(tok.Text, " :\t{}") || tok.Text == "" {
			l.problem(tok, "%q is not the name of a header field", tok.Text)
		}
		b.config.HTTP.Trust.Headers = append(b.config.HTTP.Trust.Headers, tok.Text)
	}
}

func decodeMaxHeaderSize(l line, b *builder) {
	b.config.HTTP.MaxHeaderBytes = int(l.size(l.Args[0], 4<<10, 16<<20))
}

func decodeExpectedFields(l line, b *builder) {
	separator := map[string]string{"expected_underscore_headers": "_", "expected_dot_headers": "."}[l.Name.Text]
	for _, tok := range l.Args {
		if err := proxy.CheckExpectedField(tok.Text); err != nil {
			l.problem(tok, "%v", err)
		} else if !strings.Contains(tok.Text, separator) {
			l.problem(tok, "%q has no %s", tok.Text, separator)
		}
		b.config.HTTP.ExpectedFields = append(b.config.HTTP.ExpectedFields, tok.Text)
	}
}
