package client

import (
	"crypto/x509"
	"net/url"
)

// The parsers, for tables and fuzzing.
func ParseCertificates(data []byte) ([]*x509.Certificate, error) { return parseCertificates(data) }
func GetURL(u *url.URL, request []byte) string                   { return getURL(u, request) }
