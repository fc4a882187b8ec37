package relay

import (
	"errors"
	"fmt"

	"dwaar/ocspsvc/pemfile"
)

// loadAuthorities reads the configured issuers. Its error names every file that
// is wrong.
func loadAuthorities(issuers []Issuer) ([]*authority, error) {
	known, wrong := &roster{}, []error(nil)
	for _, i := range issuers {
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
				a = newAuthority(cert, "")
				known.all = append(known.all, a)
			}
			a.also(i.Responder)
		}
	}
	return known.all, errors.Join(wrong...)
}
