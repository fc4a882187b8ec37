package tlsstore

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"slices"
)

// match returns the first certificate one of the keys belongs to, and that key.
func match(certs []*x509.Certificate, keys []signer) (*x509.Certificate, signer) {
	for _, cert := range certs {
		for _, key := range keys {
			public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
			if ok && public.Equal(cert.PublicKey) {
				return cert, key
			}
		}
	}
	return nil, nil
}

// order returns the chain as it goes on the wire: the leaf, its issuer, the issuer's issuer
// and so on as far as they are there (RFC 8446 §4.4.2), then the rest in the order it came.
// Nothing is left out: a cross-signed intermediate is on nobody's path, and some client needs it.
func order(leaf *x509.Certificate, certs []*x509.Certificate) []*x509.Certificate {
	rest := slices.DeleteFunc(slices.Clone(certs), leaf.Equal)
	chain := []*x509.Certificate{leaf}
	for {
		i := issuerIndex(chain[len(chain)-1], rest)
		if i < 0 {
			return append(chain, rest...)
		}
		chain = append(chain, rest[i])
		rest = slices.Delete(rest, i, i+1)
	}
}

// issuerIndex finds the issuer of a certificate: by name and key identifier and, where
// several have both, by signature. It returns -1 if there is none.
func issuerIndex(cert *x509.Certificate, candidates []*x509.Certificate) int {
	var named []int
	for i, candidate := range candidates {
		if mayIssue(candidate, cert) {
			named = append(named, i)
		}
	}
	for _, i := range named {
		if len(named) == 1 || cert.CheckSignatureFrom(candidates[i]) == nil {
			return i
		}
	}
	return -1
}

func mayIssue(issuer, cert *x509.Certificate) bool {
	if !bytes.Equal(issuer.RawSubject, cert.RawIssuer) {
		return false
	}
	return len(issuer.SubjectKeyId) == 0 || len(cert.AuthorityKeyId) == 0 ||
		bytes.Equal(issuer.SubjectKeyId, cert.AuthorityKeyId)
}

// statusRequest is the TLS extension by which a client asks for a staple (RFC 6066 §8).
const statusRequest = 5

var tlsFeature = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}

// mustStaple reports whether a leaf lists status_request as a TLS feature (RFC 7633).
func mustStaple(leaf *x509.Certificate) bool {
	for _, extension := range leaf.Extensions {
		if extension.Id.Equal(tlsFeature) {
			var features []int
			rest, err := asn1.Unmarshal(extension.Value, &features)
			return err == nil && len(rest) == 0 && slices.Contains(features, statusRequest)
		}
	}
	return false
}
