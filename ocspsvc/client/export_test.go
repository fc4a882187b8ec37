package client

import (
	"crypto/x509"
	"net/http"
	"net/url"
	"time"
)

// The parsers, for tables and fuzzing.
func ParseCertificates(data []byte) ([]*x509.Certificate, error) { return parseCertificates(data) }
func RetryAfter(h http.Header, now time.Time) time.Duration      { return retryAfter(h, now) }
func GetURL(u *url.URL, request []byte) string                   { return getURL(u, request) }
