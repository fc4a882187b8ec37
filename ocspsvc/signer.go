package ocspsvc

import (
	"bytes"
	"crypto/x509"
	"errors"
	"slices"
)

// signer finds out who signed the response, and whether he may (RFC 6960 §3.2
// #2 to #4). He has to be the one the ResponderID names, and either the
// issuer, embedded or not, or a delegate, anywhere among the certificates.
func (c *check) signer() error {
	var bad, unauthorized error
	for _, cert := range c.candidates() {
		if err := c.r.checkSignature(cert); err != nil {
			bad = refuse(ReasonBadSignature, "by %s: %w", cert.Subject, err)
			continue
		}
		if unauthorized = c.authorized(cert); unauthorized == nil {
			return nil
		}
	}
	switch {
	case unauthorized != nil:
		return unauthorized
	case bad != nil:
		return bad
	}
	return refuse(ReasonUnauthorizedSigner, "no certificate of the responder it names, %s", c.r.ResponderID)
}

// candidates are the certificates that the ResponderID names. The issuer is
// always looked at, so that it makes no difference whether the response embeds
// it, or another of its certificates. Of a delegate renewed with its old key
// the last to expire comes first.
func (c *check) candidates() []*x509.Certificate {
	known := append([]*x509.Certificate{c.issuer}, c.r.Certificates...)
	slices.SortStableFunc(known, func(a, b *x509.Certificate) int { return b.NotAfter.Compare(a.NotAfter) })
	return slices.DeleteFunc(known, func(cert *x509.Certificate) bool { return !c.r.ResponderID.Matches(cert) })
}

// authorized notes the signer if he may sign for issuer's certificates.
func (c *check) authorized(cert *x509.Certificate) error {
	if cert == c.issuer {
		c.v.Responder = c.issuer.Subject.String()
		return nil
	}
	if err := c.checkDelegate(cert); err != nil {
		return err
	}
	c.delegate = cert
	c.v.Responder, c.v.SignerNotAfter = cert.Subject.String(), cert.NotAfter
	c.v.SignerUnchecked = findExtension(cert.Extensions, oidNoCheck) == nil
	return nil
}

// checkDelegate wants what RFC 6960 §4.2.2.2 asks of an authorised responder:
// issued directly by the issuer, with the usage OCSPSigning by name; that it is
// valid now is checked with the other times. An ordinary leaf of the same CA
// fails here, as does the delegate of another CA that calls itself the same.
func (c *check) checkDelegate(cert *x509.Certificate) error {
	if err := c.issuedDirectly(cert); err != nil {
		return refuse(ReasonUnauthorizedSigner, "%s is not a delegate of %s: %w", cert.Subject, c.issuer.Subject, err)
	}
	switch {
	case !slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning):
		return refuse(ReasonUnauthorizedSigner, "%s has no extended key usage OCSPSigning", cert.Subject)
	case cert.KeyUsage != 0 && cert.KeyUsage&(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) == 0:
		return refuse(ReasonUnauthorizedSigner, "the key usage of %s excludes signatures", cert.Subject)
	case bytes.Equal(cert.RawSubjectPublicKeyInfo, c.leaf.RawSubjectPublicKeyInfo):
		return refuse(ReasonUnauthorizedSigner, "%s vouches for itself", cert.Subject)
	}
	for _, oid := range cert.UnhandledCriticalExtensions {
		if !oid.Equal(oidNoCheck) {
			return refuse(ReasonCriticalExtension, "%s has the unknown critical extension %s", cert.Subject, oid)
		}
	}
	return nil
}

func (c *check) issuedDirectly(cert *x509.Certificate) error {
	if !bytes.Equal(cert.RawIssuer, c.issuer.RawSubject) && !bytes.Equal(cert.RawIssuer, c.leaf.RawIssuer) {
		return errors.New("issued by another")
	}
	return cert.CheckSignatureFrom(c.issuer)
}
