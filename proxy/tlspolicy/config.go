// Package tlspolicy is what a site says of its handshakes beyond its certificate: versions,
// cipher suites, curves, protocols, and who must show a certificate of their own.
package tlspolicy

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Config is the options of one site. A zero field leaves the choice to crypto/tls, with TLS
// 1.2 as the lowest version.
type Config struct {
	// MinVersion and MaxVersion are "tls1.2" or "tls1.3".
	MinVersion string `json:"min_version,omitempty"`
	MaxVersion string `json:"max_version,omitempty"`
	// Ciphers are the suites of TLS 1.2 by their IANA names. Their order does not count, and
	// those of TLS 1.3 cannot be chosen.
	Ciphers []string `json:"ciphers,omitempty"`
	// Curves are the key exchanges: "x25519mlkem768", "x25519", "secp256r1", "secp384r1",
	// "secp521r1". Their order does not count.
	Curves []string `json:"curves,omitempty"`
	// ALPN are "h3", "h2" and "http/1.1", of the last two the preferred first.
	ALPN []string `json:"alpn,omitempty"`
	// ClientAuth asks clients for certificates; nil does not.
	ClientAuth *ClientAuth `json:"client_auth,omitempty"`
}

// ClientAuth is which clients a site lets in.
type ClientAuth struct {
	// Mode is one of the words below. Empty means RequireAndVerify.
	Mode string `json:"mode,omitempty"`
	// TrustPool are PEM files with the CAs that clients' certificates must come from.
	TrustPool []string `json:"trust_pool,omitempty"`
}

// The modes of ClientAuth.
const (
	Request          = "request"            // a certificate is asked for; any or none will do
	Require          = "require"            // there must be one; any will do
	VerifyIfGiven    = "verify_if_given"    // one that is shown must be of the trust pool
	RequireAndVerify = "require_and_verify" // there must be one, of the trust pool
)

var modes = map[string]tls.ClientAuthType{
	Request: tls.RequestClientCert, Require: tls.RequireAnyClientCert,
	VerifyIfGiven: tls.VerifyClientCertIfGiven, RequireAndVerify: tls.RequireAndVerifyClientCert,
}

var versions = map[string]uint16{"tls1.2": tls.VersionTLS12, "tls1.3": tls.VersionTLS13}

var curves = map[string]tls.CurveID{
	"x25519mlkem768": tls.X25519MLKEM768, "x25519": tls.X25519,
	"secp256r1": tls.CurveP256, "secp384r1": tls.CurveP384, "secp521r1": tls.CurveP521,
}

// Check reports everything that is wrong with c, without opening files.
func (c Config) Check() error {
	return errors.Join(c.checkVersions(), c.checkCiphers(), c.checkCurves(), c.checkALPN(), c.ClientAuth.check())
}

func (c Config) checkVersions() error {
	for _, version := range []string{c.MinVersion, c.MaxVersion} {
		if version != "" && versions[version] == 0 {
			return fmt.Errorf("protocols: %q is not tls1.2 or tls1.3", version)
		}
	}
	if c.MaxVersion != "" && versions[c.MaxVersion] < versions[c.MinVersion] {
		return fmt.Errorf("protocols: %s is higher than %s", c.MinVersion, c.MaxVersion)
	}
	return nil
}

func (c Config) checkCiphers() error {
	var problems []error
	http2 := false
	for i, name := range c.Ciphers {
		id, err := suite(name)
		problems = append(problems, err)
		http2 = http2 || err != nil || isAEAD(id)
		if slices.Contains(c.Ciphers[:i], name) {
			problems = append(problems, fmt.Errorf("ciphers: %s is there twice", name))
		}
	}
	switch {
	case len(c.Ciphers) == 0:
	case c.MinVersion == "tls1.3":
		problems = append(problems, errors.New("ciphers: they are those of TLS 1.2, and protocols begins at tls1.3"))
	case !http2 && (len(c.ALPN) == 0 || slices.Contains(c.ALPN, "h2")):
		// RFC 9113 §9.2.2: clients end such connections.
		problems = append(problems, errors.New("ciphers: HTTP/2 allows none of them: add one with GCM or CHACHA20, or write alpn http/1.1"))
	}
	return errors.Join(problems...)
}

// suite finds a suite of TLS 1.2 that crypto/tls holds secure.
func suite(name string) (uint16, error) {
	for _, s := range tls.CipherSuites() {
		switch {
		case s.Name != name:
		case !slices.Contains(s.SupportedVersions, uint16(tls.VersionTLS12)):
			return 0, fmt.Errorf("ciphers: %s is of TLS 1.3, whose suites cannot be chosen", name)
		default:
			return s.ID, nil
		}
	}
	for _, s := range tls.InsecureCipherSuites() {
		if s.Name == name {
			return 0, fmt.Errorf("ciphers: %s is broken, and not supported", name)
		}
	}
	return 0, fmt.Errorf("ciphers: unknown suite %q: names are those of IANA, such as TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", name)
}

func isAEAD(id uint16) bool {
	name := tls.CipherSuiteName(id)
	return strings.Contains(name, "_GCM_") || strings.Contains(name, "CHACHA20")
}

func (c Config) checkCurves() error {
	var problems []error
	for i, name := range c.Curves {
		switch {
		case curves[name] == 0:
			problems = append(problems, fmt.Errorf("curves: %q is not x25519mlkem768, x25519, secp256r1, secp384r1 or secp521r1", name))
		case slices.Contains(c.Curves[:i], name):
			problems = append(problems, fmt.Errorf("curves: %s is there twice", name))
		}
	}
	return errors.Join(problems...)
}

func (c Config) checkALPN() error {
	var problems []error
	for i, name := range c.ALPN {
		switch {
		case name != "h3" && name != "h2" && name != "http/1.1":
			problems = append(problems, fmt.Errorf("alpn: %q is not h3, h2 or http/1.1", name))
		case slices.Contains(c.ALPN[:i], name):
			problems = append(problems, fmt.Errorf("alpn: %s is there twice", name))
		}
	}
	if slices.Equal(c.ALPN, []string{"h3"}) {
		problems = append(problems, errors.New("alpn: h3 alone leaves nothing for TCP, where clients begin: add h2 or http/1.1"))
	}
	if slices.Contains(c.ALPN, "h3") && c.MaxVersion == "tls1.2" {
		problems = append(problems, errors.New("alpn: h3 is over TLS 1.3, and protocols ends at tls1.2"))
	}
	return errors.Join(problems...)
}

func (c *ClientAuth) check() error {
	if c == nil {
		return nil
	}
	mode := c.mode()
	verifies := mode == VerifyIfGiven || mode == RequireAndVerify
	switch {
	case modes[mode] == tls.NoClientCert:
		return fmt.Errorf("client_auth: mode: %q is not request, require, verify_if_given or require_and_verify", c.Mode)
	case verifies && len(c.TrustPool) == 0:
		return fmt.Errorf("client_auth: %s needs trust_pool file FILE: the CAs that certificates must come from", mode)
	case !verifies && len(c.TrustPool) > 0:
		return fmt.Errorf("client_auth: %s lets certificates of any CA in, and trust_pool would do nothing: write verify_if_given or require_and_verify", mode)
	}
	return nil
}

func (c *ClientAuth) mode() string {
	if c.Mode == "" {
		return RequireAndVerify
	}
	return c.Mode
}
