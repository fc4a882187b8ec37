package redis

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Config is what can be written in a Dwaarfile about a Redis or Valkey server.
type Config struct {
	// URL says where it is, and who we are to it.
	URL URL `json:"url"`

	// KeyPrefix begins the name of every key that is used there. Empty is DefaultKeyPrefix.
	KeyPrefix string `json:"key_prefix,omitempty"`

	// TLS says whom to trust over rediss://. Zero is the system's certificates.
	TLS TLS `json:"tls,omitzero"`

	// Lease is how long a lock outlives its holder. Zero is DefaultLease. It is renewed at
	// a third of it.
	Lease time.Duration `json:"lease,omitempty"`
}

// TLS are the files and the name for rediss://.
type TLS struct {
	CAFile     string `json:"ca_file,omitempty"`     // trusted instead of the system's certificates
	CertFile   string `json:"cert_file,omitempty"`   // our own certificate, where the server asks for one
	KeyFile    string `json:"key_file,omitempty"`    // and its key
	ServerName string `json:"server_name,omitempty"` // of the server's certificate; empty is the URL's host
}

// What holds where Config says nothing.
const (
	DefaultKeyPrefix = "dwaar:"
	DefaultLease     = 15 * time.Second
)

// minLease leaves a renewal, at a third of it, time for a round trip.
const minLease = 300 * time.Millisecond

// maxKeyPrefix bounds what is stored again with every key.
const maxKeyPrefix = 128

// Check returns what is wrong with the settings, all of it, each by the name of its option.
// It opens nothing.
func (c Config) Check() error {
	var wrong []error
	if err := c.URL.Check(); err != nil {
		wrong = append(wrong, fmt.Errorf("url: %w", err))
	}
	if len(c.KeyPrefix) > maxKeyPrefix || strings.ContainsFunc(c.KeyPrefix, unprintable) {
		wrong = append(wrong, fmt.Errorf("key_prefix: %q is no prefix: at most %d printable characters of ASCII, without spaces", c.KeyPrefix, maxKeyPrefix))
	}
	if c.Lease != 0 && c.Lease < minLease {
		wrong = append(wrong, fmt.Errorf("lease: %v is shorter than %v", c.Lease, minLease))
	}
	if (c.TLS.CertFile == "") != (c.TLS.KeyFile == "") {
		wrong = append(wrong, errors.New("tls: a certificate comes with its key: cert FILE KEY"))
	}
	if c.TLS != (TLS{}) && c.URL.plain() {
		wrong = append(wrong, errTLSUnused)
	}
	return errors.Join(wrong...)
}

func unprintable(r rune) bool { return r <= ' ' || r > '~' }

func (c Config) withDefaults() Config {
	if c.KeyPrefix == "" {
		c.KeyPrefix = DefaultKeyPrefix
	}
	if c.Lease == 0 {
		c.Lease = DefaultLease
	}
	return c
}
