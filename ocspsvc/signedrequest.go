package ocspsvc

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// maxRequesters is how many certificates of a signed request are read at most:
// the requester's and its chain.
const maxRequesters = 6

// maxRequesterBits is the largest RSA key that is put to work for a stranger.
const maxRequesterBits = 8192

// VerifySignature returns the certificate that signed a parsed request, if it
// leads to one of roots at now. The requester's certificate comes first in the
// request, and its chain after it (RFC 6960 §4.1.2). Keys that are made to take
// long are not put to work.
func (r *Request) VerifySignature(roots *x509.CertPool, now time.Time) (*x509.Certificate, error) {
	if !r.Signed {
		return nil, Refuse(ReasonBadSignature, "the request is not signed")
	}
	var signature []byte
	var oid asn1.ObjectIdentifier
	body, params := cryptobyte.String(r.RawSignature), cryptobyte.String(nil)
	if !readAlgorithm(&body, &oid, &params) || !body.ReadASN1BitStringAsBytes(&signature) {
		return nil, Refuse(ReasonMalformed, "unreadable signature of the request")
	}
	requester, chain, err := readRequesters(body)
	if err != nil {
		return nil, err
	}
	_, err = requester.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: chain, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return nil, Refuse(ReasonUnauthorizedSigner, "requester %s: %w", requester.Subject, err)
	}
	algorithm, saltLength := signatureAlgorithm(oid, params)
	if err := checkSignature(requester, algorithm, oid, saltLength, r.RawTBS, signature); err != nil {
		return nil, Refuse(ReasonBadSignature, "requester %s: %w", requester.Subject, err)
	}
	return requester, nil
}

// readRequesters reads [0] EXPLICIT SEQUENCE OF Certificate.
func readRequesters(s cryptobyte.String) (*x509.Certificate, *x509.CertPool, error) {
	var outer, list cryptobyte.String
	if !s.ReadASN1(&outer, explicit(0)) || !s.Empty() || !outer.ReadASN1(&list, cbasn1.SEQUENCE) || !outer.Empty() || list.Empty() {
		return nil, nil, Refuse(ReasonMalformed, "a signed request without readable certificates")
	}
	var requester *x509.Certificate
	chain := x509.NewCertPool()
	for n := 0; !list.Empty(); n++ {
		var element cryptobyte.String
		if n == maxRequesters || !list.ReadASN1Element(&element, cbasn1.SEQUENCE) {
			return nil, nil, Refuse(ReasonMalformed, "unreadable, or more than %d, certificates of the requester", maxRequesters)
		}
		cert, err := x509.ParseCertificate(element)
		if err != nil {
			return nil, nil, Refuse(ReasonMalformed, "certificate %d of the requester: %w", n+1, err)
		}
		if key, ok := cert.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() > maxRequesterBits {
			return nil, nil, Refuse(ReasonUnauthorizedSigner, "certificate %d of the requester has a key of %d bits", n+1, key.N.BitLen())
		}
		if n == 0 {
			requester = cert
		} else {
			chain.AddCert(cert)
		}
	}
	return requester, chain, nil
}
