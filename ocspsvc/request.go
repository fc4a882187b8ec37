package ocspsvc

import (
	"crypto/x509/pkix"
)

// Limits of what is read from outside. Nothing larger is looked into.
const (
	MaxRequestSize  = 10 << 10 // octets of a DER encoded request
	MaxResponseSize = 64 << 10 // octets of a DER encoded response
	MaxCertIDs      = 64       // certificates asked about by one request
)

// Request is an OCSP request (RFC 6960 §4.1.1). Its zero value with CertIDs
// set is what a client sends; a requestor name and a signature are accepted
// when reading, and ignored.
type Request struct {
	CertIDs []CertID

	// Nonce is sent if it is not empty, and is what was received: 1 to 128
	// octets (RFC 9654), or nil.
	Nonce []byte

	// Extensions are the request's extensions besides the nonce. None that
	// ParseRequest lets pass is both unknown and critical.
	Extensions []pkix.Extension

	// Signed reports that the request carried a signature. Marshal never signs.
	Signed bool
}
