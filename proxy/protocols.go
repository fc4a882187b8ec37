package proxy

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
)

// The protocols of [Config.Protocols].
const (
	HTTP1 = "h1"
	HTTP2 = "h2"
	HTTP3 = "h3"
)

// maxStreams bounds the requests that one connection may have under way.
const maxStreams = 250

// alpn are the names of the protocols in a TLS handshake over TCP.
var alpn = map[string]string{HTTP1: "http/1.1", HTTP2: "h2"}

func checkProtocols(list []string) error {
	var problems []error
	for i, p := range list {
		switch {
		case !slices.Contains([]string{HTTP1, HTTP2, HTTP3}, p):
			problems = append(problems, fmt.Errorf("protocols: %q is not h1, h2 or h3", p))
		case slices.Contains(list[:i], p):
			problems = append(problems, fmt.Errorf("protocols: %s is there twice", p))
		}
	}
	if !slices.Contains(list, HTTP1) {
		problems = append(problems, errors.New("protocols: h1 is missing: plain HTTP, its redirects and the challenges of a CA need it"))
	}
	return errors.Join(problems...)
}

func (c Config) speaks(protocol string) bool { return slices.Contains(c.Protocols, protocol) }

// restrict is config without the protocols over TCP that c does not have. What
// config decides later, for one client, is restricted too.
func (c Config) restrict(config *tls.Config) *tls.Config {
	var unwanted []string
	for _, p := range []string{HTTP1, HTTP2} {
		if !c.speaks(p) {
			unwanted = append(unwanted, alpn[p])
		}
	}
	if len(unwanted) == 0 {
		return config
	}
	return withoutProtocols(config, unwanted)
}

func withoutProtocols(config *tls.Config, unwanted []string) *tls.Config {
	config = config.Clone()
	config.NextProtos = slices.DeleteFunc(slices.Clone(config.NextProtos), func(p string) bool { return slices.Contains(unwanted, p) })
	if choose := config.GetConfigForClient; choose != nil {
		config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			chosen, err := choose(hello)
			if chosen == nil || err != nil {
				return chosen, err
			}
			return withoutProtocols(chosen, unwanted), nil
		}
	}
	return config
}
