package client

import (
	"cmp"
	"crypto"
	"fmt"
	"time"
)

// Config says how responders are asked. Zero values mean the defaults.
type Config struct {
	// Timeout bounds a round: DNS, all URLs, addresses, redirects and bodies.
	// Default 10 s.
	Timeout time.Duration `json:"timeout,omitempty"`

	// CertID is the hash asked by first: "sha1", the default, or "sha256".
	CertID string `json:"cert_id,omitempty"`

	// RequireNextUpdate refuses responses without nextUpdate, which private
	// responders send. Those that are accepted end MaxAge after thisUpdate.
	RequireNextUpdate bool `json:"require_next_update,omitempty"`

	// MaxAge limits responses without nextUpdate; it does not shorten others,
	// whose age counts from their refresh (S3). Default 7 days.
	MaxAge time.Duration `json:"max_age,omitempty"`

	// Overrides replace responder URLs of certificates.
	Overrides []Override `json:"overrides,omitempty"`
}

// Override sends requests to another URL.
type Override struct {
	// For says whose: a responder URL as the certificates name it, which URL
	// then replaces, or the path of an issuer's certificate (PEM or DER), for
	// all of whose certificates URL then replaces every URL, or stands in for
	// a missing one. Several overrides for the same add up, in order.
	For string `json:"for"`
	// URL is asked instead. It is guarded like any other.
	URL string `json:"url"`
}

// The defaults of Config.
const (
	DefaultTimeout = 10 * time.Second
	DefaultMaxAge  = 7 * 24 * time.Hour
)

// withDefaults fills in what is zero and refuses what makes no sense, by name.
func (c Config) withDefaults() (Config, error) {
	switch {
	case c.Timeout < 0:
		return Config{}, fmt.Errorf("ocsp: timeout must not be negative, is %v", c.Timeout)
	case c.MaxAge < 0:
		return Config{}, fmt.Errorf("ocsp: max_age must not be negative, is %v", c.MaxAge)
	case c.CertID != "" && c.CertID != "sha1" && c.CertID != "sha256":
		return Config{}, fmt.Errorf("ocsp: cert_id must be sha1 or sha256, is %q", c.CertID)
	}
	c.Timeout = cmp.Or(c.Timeout, DefaultTimeout)
	c.MaxAge = cmp.Or(c.MaxAge, DefaultMaxAge)
	return c, nil
}

// hash is CertID as the standard library names it.
func (c Config) hash() crypto.Hash {
	if c.CertID == "sha256" {
		return crypto.SHA256
	}
	return crypto.SHA1
}
