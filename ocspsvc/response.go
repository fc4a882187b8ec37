package ocspsvc

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"time"
)

// Response is an OCSP response (RFC 6960 §4.2.1). ParseResponse makes one;
// what it says must not be believed before Verify.
type Response struct {
	Raw            []byte // the whole response, exactly as received: what is stapled and stored (S5)
	ResponseStatus ResponseStatus

	// The rest is empty unless ResponseStatus is Successful.

	ResponderID  ResponderID
	ProducedAt   time.Time
	Singles      []Single
	Certificates []*x509.Certificate // embedded ones that can be read, in order
	Nonce        []byte              // nil if there was none
	Extensions   []pkix.Extension    // besides the nonce

	SignatureAlgorithm x509.SignatureAlgorithm // x509.UnknownSignatureAlgorithm if not supported
	SignatureOID       asn1.ObjectIdentifier   // of the algorithm, also of an unsupported one
	Signature          []byte
	RawTBS             []byte // the signed part

	saltLength int // of RSA-PSS
}

// Single is what a response says about one certificate.
type Single struct {
	CertID           CertID
	Status           Status
	RevokedAt        time.Time        // zero unless Revoked
	RevocationReason RevocationReason // Unspecified also if none was given
	ThisUpdate       time.Time
	NextUpdate       time.Time // zero if the response has none
	Extensions       []pkix.Extension
}

// ErrorResponse returns the unsigned response that says status and nothing
// else (RFC 6960 §2.3). It is meant for every status but Successful.
func ErrorResponse(status ResponseStatus) *Response {
	return &Response{Raw: MarshalError(status), ResponseStatus: status}
}

// MarshalError returns the five octets of an unsigned error response.
func MarshalError(status ResponseStatus) []byte {
	return []byte{0x30, 0x03, 0x0a, 0x01, byte(status)}
}
