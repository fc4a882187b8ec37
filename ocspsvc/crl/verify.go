package crl

import (
	"bytes"
	"crypto/x509"

	"dwaar/ocspsvc"
)

// verify returns nil if issuer made this list (RFC 5280 §6.3.3 (f) and (g)).
// The order is that of who, then how: a list of somebody else is not a bad one.
func (f *frame) verify(issuer *x509.Certificate) error {
	named, key := f.head.AuthorityKeyId, issuer.SubjectKeyId
	switch {
	case !bytes.Equal(f.head.RawIssuer, issuer.RawSubject):
		return ocspsvc.Refuse(ocspsvc.ReasonWrongCertificate, "the list is of %s, not of %s", f.head.Issuer, issuer.Subject)
	case len(named) > 0 && len(key) > 0 && !bytes.Equal(named, key):
		return ocspsvc.Refuse(ocspsvc.ReasonWrongCertificate, "the list is by the key %x of %s, not by %x", named, issuer.Subject, key)
	case issuer.Version == 3 && !issuer.BasicConstraintsValid || issuer.BasicConstraintsValid && !issuer.IsCA:
		return ocspsvc.Refuse(ocspsvc.ReasonUnauthorizedSigner, "%s is not a CA", issuer.Subject)
	case issuer.KeyUsage != 0 && issuer.KeyUsage&x509.KeyUsageCRLSign == 0:
		return ocspsvc.Refuse(ocspsvc.ReasonUnauthorizedSigner, "the key usage of %s excludes signing CRLs", issuer.Subject)
	}
	return f.checkSignature(issuer)
}

// checkSignature refuses SHA-1 as ocspsvc does: a collision turns the CA's
// signature into one under another list. x509 refuses MD5.
func (f *frame) checkSignature(issuer *x509.Certificate) error {
	switch algorithm := f.head.SignatureAlgorithm; algorithm {
	case x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1:
		return ocspsvc.Refuse(ocspsvc.ReasonBadSignature, "%v proves nothing any more", algorithm)
	case x509.UnknownSignatureAlgorithm:
		if err := f.checkPSS(issuer.PublicKey); err != nil {
			return ocspsvc.Refuse(ocspsvc.ReasonBadSignature, "%w", err)
		}
	default:
		if err := issuer.CheckSignature(algorithm, f.signed, f.head.Signature); err != nil {
			return ocspsvc.Refuse(ocspsvc.ReasonBadSignature, "%w", err)
		}
	}
	return nil
}
