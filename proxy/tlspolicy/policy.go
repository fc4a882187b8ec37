package tlspolicy

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"slices"
)

// Policy is a compiled Config. Nil is that of a site that says nothing.
type Policy struct {
	id         [sha256.Size]byte // of all it says, the CAs included
	min, max   uint16
	ciphers    []uint16
	curves     []tls.CurveID
	alpn       []string // over TCP
	noHTTP3    bool
	clientAuth tls.ClientAuthType
	clientCAs  *x509.CertPool
}

// Compile reads the files that c names.
func (c Config) Compile() (*Policy, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	p := &Policy{min: versions[c.MinVersion], max: versions[c.MaxVersion]}
	p.alpn = slices.DeleteFunc(slices.Clone(c.ALPN), func(name string) bool { return name == "h3" })
	p.noHTTP3 = c.MaxVersion == "tls1.2" || len(c.ALPN) > 0 && !slices.Contains(c.ALPN, "h3")
	if p.min == 0 {
		p.min = tls.VersionTLS12
	}
	for _, name := range c.Ciphers {
		id, err := suite(name)
		if err != nil {
			return nil, err
		}
		p.ciphers = append(p.ciphers, id)
	}
	for _, name := range c.Curves {
		p.curves = append(p.curves, curves[name])
	}
	trusted, err := p.authenticate(c.ClientAuth)
	if err != nil {
		return nil, err
	}
	p.id, err = c.identify(trusted)
	return p, err
}

// authenticate sets who is let in, and returns the text of the CAs.
func (p *Policy) authenticate(c *ClientAuth) (trusted []byte, err error) {
	if c == nil {
		return nil, nil
	}
	p.clientAuth = modes[c.mode()]
	if len(c.TrustPool) == 0 {
		return nil, nil
	}
	p.clientCAs = x509.NewCertPool()
	for _, file := range c.TrustPool {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("client_auth: trust_pool: %w", err)
		}
		if !p.clientCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("client_auth: trust_pool: %s: there is no certificate in it; give a PEM file", file)
		}
		trusted = append(append(trusted, text...), 0)
	}
	return trusted, nil
}

// identify hashes what a handshake under c has proved. Files count by what is in them.
func (c Config) identify(trusted []byte) (id [sha256.Size]byte, err error) {
	if c.ClientAuth != nil {
		c.ClientAuth = &ClientAuth{Mode: c.ClientAuth.mode()}
	}
	words, err := json.Marshal(c)
	if err != nil {
		return id, err
	}
	return sha256.Sum256(append(append(words, 0), trusted...)), nil
}

// HTTP3 reports whether p lets clients come over QUIC.
func (p *Policy) HTTP3() bool { return p == nil || !p.noHTTP3 }

// Same reports whether a handshake under one of them is as good as one under the other.
func Same(a, b *Policy) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a == b || a.id == b.id
}

// Apply returns config with what p says. It changes a copy.
func (p *Policy) Apply(config *tls.Config) *tls.Config {
	config = config.Clone()
	config.MinVersion, config.MaxVersion = p.min, p.max
	config.CipherSuites, config.CurvePreferences = p.ciphers, p.curves
	if len(p.alpn) > 0 {
		config.NextProtos = p.alpn
	}
	config.ClientAuth, config.ClientCAs = p.clientAuth, p.clientCAs
	p.guardTickets(config)
	return config
}
