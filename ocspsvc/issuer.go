package ocspsvc

import (
	"bytes"
	"crypto/x509"
	"errors"
	"slices"
)

// FindIssuer returns the candidate that issued leaf, or nil: a CA certificate
// whose subject is leaf's issuer and whose key made leaf's signature (S7).
// Candidates may come in any order; those whose subject key identifier is
// leaf's authority key identifier are tried first. A self-signed leaf has no
// issuer but itself, which does not count.
func FindIssuer(leaf *x509.Certificate, candidates []*x509.Certificate) *x509.Certificate {
	if SelfSigned(leaf) {
		return nil
	}
	named := slices.Clone(candidates)
	named = slices.DeleteFunc(named, func(c *x509.Certificate) bool {
		return c == nil || !bytes.Equal(c.RawSubject, leaf.RawIssuer)
	})
	slices.SortStableFunc(named, func(a, b *x509.Certificate) int { return keyIDDistance(leaf, a) - keyIDDistance(leaf, b) })
	for _, candidate := range named {
		if checkIssued(leaf, candidate) == nil {
			return candidate
		}
	}
	return nil
}

// keyIDDistance is 0 if the key identifiers say that candidate issued leaf, 1
// if they say nothing and 2 if they differ; the signature decides even then.
func keyIDDistance(leaf, candidate *x509.Certificate) int {
	switch {
	case len(leaf.AuthorityKeyId) == 0 || len(candidate.SubjectKeyId) == 0:
		return 1
	case bytes.Equal(leaf.AuthorityKeyId, candidate.SubjectKeyId):
		return 0
	}
	return 2
}

// checkIssued returns nil if issuer is a CA whose key signed cert. Unlike
// x509's CheckSignatureFrom it accepts SHA-1: an old private CA's leaf has an
// issuer too, and whether the leaf is trusted is for its clients to say.
func checkIssued(cert, issuer *x509.Certificate) error {
	if issuer.Version == 3 && !issuer.BasicConstraintsValid || issuer.BasicConstraintsValid && !issuer.IsCA {
		return errors.New("the issuer is not a CA")
	}
	if issuer.KeyUsage != 0 && issuer.KeyUsage&x509.KeyUsageCertSign == 0 {
		return errors.New("the issuer's key usage excludes signing certificates")
	}
	return issuer.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature)
}
