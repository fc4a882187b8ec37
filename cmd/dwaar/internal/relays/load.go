package relays

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"dwaar/cmd/dwaar/internal/running"
	"dwaar/netguard"
	"dwaar/ocspsvc/pemfile"
	"dwaar/ocspsvc/relay"
)

// Loaded is what is said of a relay, with what the files hold that it names.
type Loaded struct {
	relay.Config
	// Warnings is what is in order and perhaps not what was meant.
	Warnings []string

	name   string
	digest running.Digest // of all it says, but for Config.Certificates' files
}

// Load reads the files of c. Its error has a line for each thing that is wrong,
// which begins with the name of the option. Files that patterns match may be
// anything, and come and go; one that is named itself has to be there.
func Load(c relay.Config) (*Loaded, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	issuers, err := c.Load()
	l := &Loaded{Config: c, name: nameOf(c, issuers)}
	if err := errors.Join(err, l.checkCertificates()); err != nil {
		return nil, err
	}
	l.digest = sum(c, issuers)
	return l, nil
}

// checkCertificates looks for the files to prefetch.
func (l *Loaded) checkCertificates() error {
	var wrong []error
	for _, pattern := range l.Certificates {
		if !strings.ContainsAny(pattern, `*?[\`) {
			if _, err := pemfile.Certificates(pattern); err != nil {
				wrong = append(wrong, fmt.Errorf("certificates: %w", err))
			}
		} else if names, _ := filepath.Glob(pattern); len(names) == 0 { // Check knows the patterns
			l.Warnings = append(l.Warnings, fmt.Sprintf("certificates: no file is like %s now", pattern))
		}
	}
	return errors.Join(wrong...)
}

// Blocked are warnings about responders that guard will not let anybody ask.
func (l *Loaded) Blocked(guard *netguard.Guard) (warnings []string) {
	for _, i := range l.Issuers {
		u, err := url.Parse(i.Responder)
		if err != nil {
			continue // Check knows
		}
		if addr, err := netip.ParseAddr(u.Hostname()); err == nil {
			if err := guard.CheckAddr(u.Hostname(), addr); err != nil {
				warnings = append(warnings, fmt.Sprintf("issuer %s: it will not be asked: %v", i.Certificate, err))
			}
		}
	}
	return warnings
}

// nameOf is what people call a relay: its CAs, or where their certificates are.
func nameOf(c relay.Config, issuers []*x509.Certificate) string {
	names := slices.Clone(c.Certificates)
	for i, issuer := range issuers {
		if i == 0 {
			names = nil
		}
		name := issuer.Subject.CommonName
		if name == "" {
			name = issuer.Subject.String()
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// sum is the same for what says the same, with the same issuers.
func sum(c relay.Config, issuers []*x509.Certificate) running.Digest {
	h := sha256.New()
	if err := json.NewEncoder(h).Encode(c); err != nil {
		panic(err) // it is data
	}
	for _, issuer := range issuers {
		h.Write(issuer.Raw) // which says its length
	}
	return running.Digest(h.Sum(nil))
}
