package ocspsvc

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"time"
)

// Template is a response to be signed.
type Template struct {
	Singles      []Single            // with CertID.Raw written as it is, if set
	ProducedAt   time.Time           // zero means now; written in whole seconds
	ResponderID  ResponderID         // zero means the signer by key
	Certificates []*x509.Certificate // embedded in this order
	Nonce        []byte              // none if empty
	Extensions   []pkix.Extension    // besides the nonce

	// Algorithm is the signature's; zero picks one that fits the key.
	Algorithm x509.SignatureAlgorithm
}

// Sign returns the response, signed by key, which is signer's: RSA (PKCS#1
// v1.5 or PSS), ECDSA or Ed25519.
func (t Template) Sign(signer *x509.Certificate, key crypto.Signer) (*Response, error) {
	return nil, refuse(ReasonMalformed, "not implemented")
}
