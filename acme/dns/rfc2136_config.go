package dns

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// RFC2136Config says which server takes updates, and by which key.
type RFC2136Config struct {
	// Server is the zone's primary: a host or address, with a port unless it is 53.
	Server string `json:"server"`

	// Zone is the zone to update. Empty, the server is asked for the one each name is in.
	Zone string `json:"zone,omitempty"`

	// KeyName names the TSIG key (RFC 8945). Empty, updates are not signed, and it is the
	// server that decides by address.
	KeyName string `json:"key_name,omitempty"`

	// KeyAlgorithm is hmac-sha256, the default, or hmac-sha1, -sha224, -sha384, -sha512.
	KeyAlgorithm string `json:"key_algorithm,omitempty"`

	// KeySecret is the key in base64, as in BIND's configuration.
	KeySecret Secret `json:"key_secret,omitempty"`

	// Timeout bounds one question to the server, UDP and TCP together. Default 10 s.
	Timeout time.Duration `json:"timeout,omitempty"`
}

const (
	defaultAlgorithm = "hmac-sha256"
	defaultTimeout   = 10 * time.Second
	defaultTTL       = time.Minute // of records that come without one
)

var algorithms = map[string]string{
	"hmac-sha1":   dns.HmacSHA1,
	"hmac-sha224": dns.HmacSHA224,
	"hmac-sha256": dns.HmacSHA256,
	"hmac-sha384": dns.HmacSHA384,
	"hmac-sha512": dns.HmacSHA512,
}

// Check reports what is wrong with c, or nil.
func (c RFC2136Config) Check() error {
	if _, err := c.address(); err != nil {
		return err
	}
	if _, ok := dns.IsDomainName(c.Zone); c.Zone != "" && !ok {
		return fmt.Errorf("dns: rfc2136: zone %q is not a domain name", c.Zone)
	}
	if c.Timeout < 0 {
		return fmt.Errorf("dns: rfc2136: timeout must not be negative, is %v", c.Timeout)
	}
	return c.checkKey()
}

func (c RFC2136Config) checkKey() error {
	if c.KeyName == "" {
		if c.KeySecret != "" || c.KeyAlgorithm != "" {
			return fmt.Errorf("dns: rfc2136: a TSIG key needs its name: key_name")
		}
		return nil
	}
	if _, ok := dns.IsDomainName(c.KeyName); !ok {
		return fmt.Errorf("dns: rfc2136: key_name %q is not a domain name", c.KeyName)
	}
	if c.algorithm() == "" {
		return fmt.Errorf("dns: rfc2136: key_algorithm %q is not hmac-sha1, -sha224, -sha256, -sha384 or -sha512", c.KeyAlgorithm)
	}
	// The error of a decoder would tell where in the secret it stumbled.
	if raw, err := base64.StdEncoding.DecodeString(string(c.KeySecret)); err != nil || len(raw) == 0 {
		return fmt.Errorf("dns: rfc2136: key_secret of %s is not base64", c.KeyName)
	}
	return nil
}

// algorithm is the TSIG name of the algorithm, or empty.
func (c RFC2136Config) algorithm() string {
	return algorithms[strings.TrimSuffix(strings.ToLower(cmp.Or(c.KeyAlgorithm, defaultAlgorithm)), ".")]
}

// address is Server as host:port.
func (c RFC2136Config) address() (string, error) {
	host, port, err := net.SplitHostPort(c.Server)
	if err != nil {
		host, port = strings.TrimSuffix(strings.TrimPrefix(c.Server, "["), "]"), "53"
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if host == "" || err != nil || n == 0 || strings.ContainsAny(host, "[]/ ") {
		return "", fmt.Errorf("dns: rfc2136: server %q is not a host with or without a port", c.Server)
	}
	return net.JoinHostPort(host, port), nil
}
