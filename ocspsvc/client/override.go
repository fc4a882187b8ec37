package client

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"dwaar/netguard"
)

// maxIssuerFile bounds the file of an issuer's certificate.
const maxIssuerFile = 1 << 20

// override is a checked Override: either a URL or issuers to match.
type override struct {
	from    *url.URL
	issuers []*x509.Certificate
	to      string
}

// loadOverrides checks the URLs and reads the issuer files, and reports every
// entry that is wrong.
func loadOverrides(entries []Override, guard *netguard.Guard) ([]override, error) {
	var loaded []override
	var problems []error
	for _, entry := range entries {
		o, err := loadOverride(entry, guard)
		if err != nil {
			problems = append(problems, fmt.Errorf("ocsp: responder %s: %w", entry.For, err))
		}
		loaded = append(loaded, o)
	}
	return loaded, errors.Join(problems...)
}

func loadOverride(entry Override, guard *netguard.Guard) (override, error) {
	if _, err := guard.CheckURL(entry.URL); err != nil {
		return override{}, err
	}
	if strings.Contains(entry.For, "://") {
		from, err := guard.CheckURL(entry.For)
		return override{from: from, to: entry.URL}, err
	}
	info, err := os.Stat(entry.For)
	if err != nil {
		return override{}, fmt.Errorf("reading the issuer: %w", err)
	}
	if info.Size() > maxIssuerFile {
		return override{}, fmt.Errorf("reading the issuer: more than %d bytes", maxIssuerFile)
	}
	data, err := os.ReadFile(entry.For)
	if err != nil {
		return override{}, fmt.Errorf("reading the issuer: %w", err)
	}
	issuers, err := parseCertificates(data)
	if err != nil {
		return override{}, fmt.Errorf("reading the issuer: %w", err)
	}
	return override{issuers: issuers, to: entry.URL}, nil
}

// covers reports whether the override is for certificates of issuer. It
// compares name and key, so that a renewed or cross-signed issuer matches too.
func (o override) covers(issuer *x509.Certificate) bool {
	for _, candidate := range o.issuers {
		if bytes.Equal(candidate.RawSubject, issuer.RawSubject) &&
			bytes.Equal(candidate.RawSubjectPublicKeyInfo, issuer.RawSubjectPublicKeyInfo) {
			return true
		}
	}
	return false
}

// replaces reports whether the override is for the responder URL raw.
func (o override) replaces(raw string) bool {
	if o.from == nil {
		return false
	}
	u, err := url.Parse(raw)
	return err == nil && sameURL(o.from, u)
}

// sameURL compares what RFC 3986 §6.2 calls equivalent without guessing: case
// of scheme and host, and an empty path.
func sameURL(a, b *url.URL) bool {
	return strings.EqualFold(a.Scheme, b.Scheme) && strings.EqualFold(a.Host, b.Host) &&
		pathOrSlash(a) == pathOrSlash(b) && a.RawQuery == b.RawQuery
}

func pathOrSlash(u *url.URL) string {
	if path := u.EscapedPath(); path != "" {
		return path
	}
	return "/"
}
