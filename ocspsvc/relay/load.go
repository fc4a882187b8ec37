package relay

import (
	"crypto/x509"
	"errors"
	"fmt"

	"dwaar/ocspsvc/pemfile"
)

// Load reads the certificates of c.Issuers. Its error has a line for each file
// that is wrong, which begins with the name of the option.
func (c Config) Load() ([]*x509.Certificate, error) {
	all, err := loadAuthorities(c)
	return (&roster{all: all}).issuers(), err
}

// loadAuthorities reads the configured issuers. Its error names every file that
// is wrong.
func loadAuthorities(cfg Config) ([]*authority, error) {
	known, wrong := &roster{}, []error(nil)
	for _, i := range cfg.Issuers {
		certs, err := pemfile.Certificates(i.Certificate)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("issuer: %w", err))
			continue
		}
		for _, cert := range certs {
			if !cert.IsCA {
				wrong = append(wrong, fmt.Errorf("issuer %s: %s is not a CA", i.Certificate, cert.Subject))
				continue
			}
			a := known.find(cert)
			if a == nil {
				a = newAuthority(cert, cfg.Limits)
				known.all = append(known.all, a)
			}
			a.also(i.Responder)
		}
	}
	return known.all, errors.Join(wrong...)
}
