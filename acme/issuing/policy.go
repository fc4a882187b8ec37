package issuing

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"dwaar/acme/dns"
)

// Internal is the CA of an IssuerConfig that means the local CA.
const Internal = "internal"

// LetsEncrypt is the CA of a policy that names none.
const LetsEncrypt = "https://acme-v02.api.letsencrypt.org/directory"

// Policy says how the certificates of some names are got. Each name has a certificate of its
// own.
type Policy struct {
	// Names are in lower case and ASCII: "example.com", "*.example.com"; IP addresses from
	// the local CA. In policies for on-demand they are patterns, "" being every name.
	Names []string `json:"names"`

	// Issuers are tried in this order, each with a new order.
	Issuers []IssuerConfig `json:"issuers"`

	// KeyType is p256, the default, or p384, rsa2048, rsa4096, ed25519.
	KeyType string `json:"key_type,omitempty"`

	// MustStaple asks for certificates that are only valid with a staple (RFC 7633).
	MustStaple bool `json:"must_staple,omitempty"`

	// DNS, if set, proves control by dns-01 instead of http-01 and tls-alpn-01.
	DNS *DNSConfig `json:"dns,omitempty"`
}

// IssuerConfig is one CA.
type IssuerConfig struct {
	// CA is the URL of an ACME directory, or "internal".
	CA string `json:"ca"`

	// Email is the contact of the ACME account. Accounts are kept by CA and e-mail.
	Email string `json:"email,omitempty"`

	// Roots are PEM files with the roots that the CA's own HTTPS is trusted by, instead of the
	// system's.
	Roots []string `json:"roots,omitempty"`

	// EAB binds a new account to one at the CA (RFC 8555 §7.3.4).
	EAB *EAB `json:"eab,omitempty"`
}

// EAB is an external account. HMAC is base64url, as the CA hands it out.
type EAB struct {
	KeyID string     `json:"key_id"`
	HMAC  dns.Secret `json:"hmac"`
}

// DNSConfig is the provider for dns-01 and how its records are looked for.
type DNSConfig struct {
	dns.Config

	// Resolvers are host or host:port of the DNS servers that are asked for the zone and for
	// the record, instead of the system's and the zone's own.
	Resolvers []string `json:"resolvers,omitempty"`

	// PropagationTimeout is how long to wait until the record is seen. Default 2 min.
	PropagationTimeout time.Duration `json:"propagation_timeout,omitempty"`
}

// Check returns everything that is wrong with p. It touches neither disk nor network.
func (p Policy) Check() error {
	var errs []error
	if len(p.Issuers) == 0 {
		errs = append(errs, errors.New("there is no issuer"))
	}
	if _, ok := keyTypes[p.KeyType]; !ok {
		errs = append(errs, fmt.Errorf("key_type %q is not p256, p384, rsa2048, rsa4096 or ed25519", p.KeyType))
	}
	for _, c := range p.Issuers {
		errs = append(errs, c.check())
	}
	if p.DNS != nil {
		errs = append(errs, p.DNS.check())
	}
	for _, name := range p.Names {
		errs = append(errs, p.checkName(name))
	}
	return errors.Join(errs...)
}

// checkName refuses what no order for the name could bring.
func (p Policy) checkName(name string) error {
	if !slices.ContainsFunc(p.Issuers, IssuerConfig.acme) {
		return nil
	}
	if strings.HasPrefix(name, "*.") && p.DNS == nil {
		return fmt.Errorf("%s: a wildcard needs dns-01 (RFC 8555 §7.1.3): configure a DNS provider", name)
	}
	if net.ParseIP(name) != nil {
		return fmt.Errorf("%s: certificates for addresses come from the issuer internal alone", name)
	}
	return nil
}

func (c IssuerConfig) acme() bool { return c.CA != Internal }

func (c IssuerConfig) check() error {
	if !c.acme() {
		if c.Email != "" || len(c.Roots) > 0 || c.EAB != nil {
			return errors.New("the issuer internal takes no e-mail, roots or EAB")
		}
		return nil
	}
	u, err := url.Parse(c.CA)
	if err != nil || u.Host == "" || u.Scheme != "https" {
		return fmt.Errorf("ca %q is not an https URL (RFC 8555 §6.1)", c.CA)
	}
	if c.EAB == nil {
		return nil
	}
	if c.EAB.KeyID == "" {
		return fmt.Errorf("ca %s: the EAB has no key ID", c.CA)
	}
	// The error of a decoder would tell where in the secret it stumbled.
	if raw, err := base64.RawURLEncoding.DecodeString(string(c.EAB.HMAC)); err != nil || len(raw) == 0 {
		return fmt.Errorf("ca %s: the HMAC key of EAB %s is not base64url", c.CA, c.EAB.KeyID)
	}
	return nil
}

func (c DNSConfig) check() error {
	if c.PropagationTimeout < 0 {
		return fmt.Errorf("dns: propagation_timeout must not be negative, is %v", c.PropagationTimeout)
	}
	return c.Config.Check()
}

// covers reports whether a challenge for name may be p's. The name of a wildcard's challenge
// is the one below the star, but those are dns-01.
func (p Policy) covers(name string) bool {
	_, parent, _ := strings.Cut(name, ".")
	return slices.Contains(p.Names, name) || slices.Contains(p.Names, "*."+parent) || slices.Contains(p.Names, "")
}
