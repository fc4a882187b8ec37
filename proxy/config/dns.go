package config

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"dwaar/acme/dns"
	"dwaar/acme/issuing"
)

// decodeDNS names who puts records into the zone.
func decodeDNS(l line, i *issuance) {
	i.dns = &issuing.DNSConfig{}
	kind, where := l.Args[0], l.Args[1]
	switch kind.Text {
	case "rfc2136":
		c := &dns.RFC2136Config{}
		if server, ok := l.expand(where); ok {
			c.Server = server
			l.refuse(where, withoutRoom(c.Check()))
		}
		l.b.language.rfc2136.read(l.b, l.block(), 0, c)
		i.dns.RFC2136 = c
	case "exec":
		if l.Block != nil {
			l.problem(kind, "exec has no block")
		}
		i.dns.Exec = &dns.ExecConfig{Path: l.path(where)}
	default:
		l.problem(kind, "%q is not rfc2136 or exec: for any other provider, exec calls its own tool", kind.Text)
	}
}

func decodeTSIGKey(l line, c *dns.RFC2136Config) {
	name, ok := l.expand(l.Args[0])
	secret, also := l.expand(l.Args[2])
	key := dns.RFC2136Config{Server: "localhost", KeyName: name, KeyAlgorithm: l.Args[1].Text, KeySecret: dns.Secret(secret)}
	if ok && also {
		l.refuse(l.Name, withoutRoom(key.Check()))
	}
	c.KeyName, c.KeyAlgorithm, c.KeySecret = key.KeyName, key.KeyAlgorithm, key.KeySecret
}

func decodeZone(l line, c *dns.RFC2136Config) {
	c.Zone = l.Args[0].Text
	if (dns.RFC2136Config{Server: "localhost", Zone: c.Zone}).Check() != nil {
		l.problem(l.Args[0], "%q is not a domain name", c.Zone)
	}
}

// withoutRoom is err without where it comes from, which its place says already.
func withoutRoom(err error) error {
	if err == nil {
		return nil
	}
	return errors.New(strings.TrimPrefix(err.Error(), "dns: rfc2136: "))
}

// decodeResolvers reads addresses of DNS servers, with or without a port.
func decodeResolvers(l line, i *issuance) {
	for _, tok := range l.Args {
		host, port, err := net.SplitHostPort(tok.Text)
		if err != nil {
			host, port = strings.Trim(tok.Text, "[]"), "53"
		}
		_, badHost := netip.ParseAddr(host)
		n, badPort := strconv.ParseUint(port, 10, 16)
		if badHost != nil && !isName(strings.ToLower(host)) || badPort != nil || n == 0 {
			l.problem(tok, "%q is not the address of a DNS server", tok.Text)
			continue
		}
		i.resolvers = append(i.resolvers, tok.Text)
	}
}
