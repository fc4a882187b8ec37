package ocspsvc

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Template is a response to be signed.
type Template struct {
	Singles      []Single            // in this order; CertID.Raw is written as it is, if set
	ProducedAt   time.Time           // zero means now; written in whole seconds
	ResponderID  ResponderID         // zero means the signer, by key
	Certificates []*x509.Certificate // embedded in this order
	Nonce        []byte              // none if empty
	Extensions   []pkix.Extension    // besides the nonce

	// Algorithm is the signature's; zero picks one that fits the key.
	Algorithm x509.SignatureAlgorithm
}

// Sign returns the response, signed by key, which is to be signer's: RSA
// (PKCS#1 v1.5 or PSS), ECDSA or Ed25519. It fails for singles without status
// or CertID, for algorithms that do not fit the key, and for a response that
// ParseResponse would not read.
func (t Template) Sign(signer *x509.Certificate, key crypto.Signer) (*Response, error) {
	der, err := t.SignDER(signer, key)
	if err != nil {
		return nil, err
	}
	return ParseResponse(der)
}

// SignDER is Sign without reading the result, for a responder that only sends
// it on: reading costs as much as signing by ECDSA. It fails for a response
// over MaxResponseSize too.
func (t Template) SignDER(signer *x509.Certificate, key crypto.Signer) ([]byte, error) {
	der, err := t.signDER(signer, key)
	if err != nil {
		return nil, fmt.Errorf("signing an OCSP response: %w", err)
	}
	if len(der) > MaxResponseSize {
		return nil, Refuse(ReasonTooLarge, "the response would have %d octets, at most %d are read", len(der), MaxResponseSize)
	}
	return der, nil
}

func (t Template) signDER(signer *x509.Certificate, key crypto.Signer) ([]byte, error) {
	s, err := schemeFor(t.Algorithm, key.Public())
	if err != nil {
		return nil, err
	}
	tbs, err := t.marshalTBS(signer)
	if err != nil {
		return nil, err
	}
	signature, err := s.sign(key, tbs)
	if err != nil {
		return nil, err
	}
	return marshalResponse(tbs, s, signature, t.Certificates)
}

func (s scheme) sign(key crypto.Signer, tbs []byte) ([]byte, error) {
	if s.hash == 0 {
		return key.Sign(rand.Reader, tbs, crypto.Hash(0))
	}
	var options crypto.SignerOpts = s.hash
	if s.isPSS() {
		options = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: s.hash}
	}
	return key.Sign(rand.Reader, sum(s.hash, tbs), options)
}

func (t Template) marshalTBS(signer *x509.Certificate) ([]byte, error) {
	id, producedAt := t.ResponderID, t.ProducedAt
	if len(id.Name) == 0 && len(id.KeyHash) == 0 {
		id = ByKey(signer)
	}
	if producedAt.IsZero() {
		producedAt = time.Now()
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		id.add(b)
		addTime(b, producedAt)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, single := range t.Singles {
				addSingle(b, single)
			}
		})
		addExtensions(b, 1, t.Nonce, t.Extensions)
	})
	return b.Bytes()
}

// marshalResponse wraps signed response data as RFC 6960 §4.2.1 nests it.
func marshalResponse(tbs []byte, s scheme, signature []byte, certificates []*x509.Certificate) ([]byte, error) {
	var basic cryptobyte.Builder
	basic.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(tbs)
		s.addAlgorithm(b)
		b.AddASN1BitString(signature)
		addCertificates(b, certificates)
	})
	der, err := basic.Bytes()
	if err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Enum(int64(Successful))
		b.AddASN1(explicit(0), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(oidBasicResponse)
				b.AddASN1OctetString(der)
			})
		})
	})
	return b.Bytes()
}

func addCertificates(b *cryptobyte.Builder, certificates []*x509.Certificate) {
	if len(certificates) == 0 {
		return
	}
	b.AddASN1(explicit(0), func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, certificate := range certificates {
				b.AddBytes(certificate.Raw)
			}
		})
	})
}
