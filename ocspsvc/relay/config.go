package relay

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"time"
)

// Config is what can be written in a Dwaarfile about a relay. Zero values mean
// the defaults.
type Config struct {
	// Issuers are the CAs whose certificates may be asked about.
	Issuers []Issuer `json:"issuers,omitempty"`

	// Certificates are patterns of PEM files, as filepath.Match has them. Their
	// certificates, but those of CAs, are asked about before anybody else does.
	// The responders in their AIA are asked for an issuer that names none. An
	// issuer that such a file has besides its leaf is as good as one of Issuers.
	Certificates []string `json:"certificates,omitempty"`

	// Timeout bounds how long an asker waits, and how long a responder is asked.
	// Default 8 s: servers that staple give up after 10 s (Apache and hitch) or later
	// (nginx), and are to hear tryLater before; and it is long enough for a resolver
	// to get past a dead name server, for which it takes 5 s.
	Timeout time.Duration `json:"timeout,omitempty"`

	Limits Limits `json:"limits,omitzero"`
}

// Issuer is a CA and its responder.
type Issuer struct {
	// Certificate is a PEM file with the CA's certificate, or with several.
	Certificate string `json:"certificate"`

	// Responder is the URL to ask. Without one it is what the AIA extensions of
	// Config.Certificates say.
	Responder string `json:"responder,omitempty"`
}

// Limits bound what clients can make a relay do. Zero values mean the defaults.
type Limits struct {
	// Entries and Bytes bound the answers in memory, but for those of
	// Config.Certificates, which stay. Defaults 100,000 and 256 MiB.
	Entries int   `json:"entries,omitempty"`
	Bytes   int64 `json:"bytes,omitempty"`

	// Stored bounds the answers in storage. Default 100,000.
	Stored int `json:"stored,omitempty"`

	// Waiting is how many askers may wait for responders at the same time. Default 10,000.
	Waiting int `json:"waiting,omitempty"`

	// UnknownRate is how many certificates in a second the responder of one issuer is
	// asked about that it turns out not to know, ten times as many at once. So nobody
	// can make the relay hammer a CA by serials that he made up. Beyond it tryLater is
	// the answer for certificates that are new to the relay; for those of
	// Config.Certificates, and all that it has had an answer for, in memory or in
	// storage, responders are asked all the same. Default 10.
	UnknownRate int `json:"unknown_rate,omitempty"`

	// Passing is how many requests with a nonce, or about several certificates,
	// may be with responders at the same time. Default 32.
	Passing int `json:"passing,omitempty"`

	// PassingRate is how many of them are passed on in a second to the responder of
	// one issuer, ten times as many at once. Beyond it the answer is the one without a
	// nonce, if there is one, or else tryLater. Default 20.
	PassingRate int `json:"passing_rate,omitempty"`
}

// The defaults of Config and its Limits.
const (
	DefaultTimeout     = 8 * time.Second
	DefaultEntries     = 100_000
	DefaultBytes       = 256 << 20
	DefaultStored      = 100_000
	DefaultWaiting     = 10_000
	DefaultUnknownRate = 10
	DefaultPassing     = 32
	DefaultPassingRate = 20
)

// maxTimeout is longer than any client waits.
const maxTimeout = 5 * time.Minute

// Check returns what is wrong with the settings, all of it, each by the name of
// its option. It opens no files.
func (c Config) Check() error {
	var wrong []error
	if len(c.Issuers) == 0 && len(c.Certificates) == 0 {
		wrong = append(wrong, errors.New("issuer: name the certificate of a CA whose certificates are asked about, or certificates to prefetch"))
	}
	for _, issuer := range c.Issuers {
		if issuer.Certificate == "" {
			wrong = append(wrong, errors.New("issuer: name the file of its certificate"))
		}
		if err := checkURL(issuer.Responder); err != nil {
			wrong = append(wrong, fmt.Errorf("issuer %s: %w", issuer.Certificate, err))
		}
		if issuer.Responder == "" && len(c.Certificates) == 0 {
			wrong = append(wrong, fmt.Errorf("issuer %s: nothing says where its responder is: write its URL, or certificates that name it", issuer.Certificate))
		}
	}
	for _, pattern := range c.Certificates {
		if _, err := filepath.Match(pattern, ""); err != nil || pattern == "" {
			wrong = append(wrong, fmt.Errorf("certificates: %q is no pattern of file names", pattern))
		}
	}
	if c.Timeout < 0 || c.Timeout > maxTimeout {
		wrong = append(wrong, fmt.Errorf("timeout: %s is not between 0 and %s", c.Timeout, maxTimeout))
	}
	return errors.Join(append(wrong, c.Limits.check()...)...)
}

// checkURL is about what is written; where it leads is for the guard of whoever asks.
func checkURL(raw string) error {
	if raw == "" {
		return nil
	}
	u, err := url.Parse(raw)
	if err != nil {
		return fmt.Errorf("responder: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" {
		return fmt.Errorf("responder: %q is not the http or https URL of a responder", raw)
	}
	return nil
}

func (l Limits) check() (wrong []error) {
	for _, limit := range []struct {
		option     string
		value, max int64
	}{
		{"entries", int64(l.Entries), 100_000_000}, {"bytes", l.Bytes, 1 << 40}, {"stored", int64(l.Stored), 100_000_000},
		{"waiting", int64(l.Waiting), 1_000_000}, {"unknown_rate", int64(l.UnknownRate), 10_000},
		{"passing", int64(l.Passing), 10_000}, {"passing_rate", int64(l.PassingRate), 10_000},
	} {
		if limit.value < 0 || limit.value > limit.max {
			wrong = append(wrong, fmt.Errorf("%s: %d is not between 1 and %d", limit.option, limit.value, limit.max))
		}
	}
	return wrong
}

// withDefaults fills in what is zero.
func (c Config) withDefaults() Config {
	c.Timeout = cmp.Or(c.Timeout, DefaultTimeout)
	c.Limits.Entries = cmp.Or(c.Limits.Entries, DefaultEntries)
	c.Limits.Bytes = cmp.Or(c.Limits.Bytes, DefaultBytes)
	c.Limits.Stored = cmp.Or(c.Limits.Stored, DefaultStored)
	c.Limits.Waiting = cmp.Or(c.Limits.Waiting, DefaultWaiting)
	c.Limits.UnknownRate = cmp.Or(c.Limits.UnknownRate, DefaultUnknownRate)
	c.Limits.Passing = cmp.Or(c.Limits.Passing, DefaultPassing)
	c.Limits.PassingRate = cmp.Or(c.Limits.PassingRate, DefaultPassingRate)
	return c
}
