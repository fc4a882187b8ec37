package ocspsvc

import (
	"bytes"
	"crypto/x509"
	"slices"
)

// maxDelegates is how many embedded certificates that look like the signer are
// tried. One does; a delegate renewed with its old key makes two.
const maxDelegates = 4

// signer finds out who signed the response, and whether he may (RFC 6960 §3.2
// #2 to #4). He has to be the one the ResponderID names, and either the
// issuer, embedded or not, or a delegate, anywhere among the certificates.
//
// The response's signature is checked last, with the issuer's key or one that
// the issuer vouches for: a stranger's key, which may be made to take seconds,
// is never put to work.
func (c *check) signer() error {
	var refused error
	if c.r.ResponderID.Matches(c.issuer) {
		if refused = c.signedBy(c.issuer); refused == nil {
			c.v.Responder = c.issuer.Subject.String()
			return nil
		}
	}
	for _, cert := range c.delegates() {
		err := c.checkDelegate(cert)
		if err == nil {
			err = c.signedBy(cert)
		}
		if err == nil {
			c.delegatedTo(cert)
			return nil
		}
		refused = err
	}
	if refused == nil {
		refused = Refuse(ReasonUnauthorizedSigner, "no certificate of the responder it names, %s", c.r.ResponderID)
	}
	return refused
}

func (c *check) signedBy(cert *x509.Certificate) error {
	if err := c.r.checkSignature(cert); err != nil {
		return Refuse(ReasonBadSignature, "by %s: %w", cert.Subject, err)
	}
	return nil
}

// delegates are the first maxDelegates embedded certificates that the
// ResponderID names, the last to expire first: of a delegate renewed with its
// old key it is the one to note. Those with the issuer's key are left out; it
// is tried anyway, so that it makes no difference whether the response embeds
// the issuer, or another of its certificates.
func (c *check) delegates() []*x509.Certificate {
	named := slices.DeleteFunc(slices.Clone(c.r.Certificates), func(cert *x509.Certificate) bool {
		return !c.r.ResponderID.Matches(cert) ||
			c.r.ResponderID.Matches(c.issuer) && bytes.Equal(cert.RawSubjectPublicKeyInfo, c.issuer.RawSubjectPublicKeyInfo)
	})
	slices.SortStableFunc(named, func(a, b *x509.Certificate) int { return b.NotAfter.Compare(a.NotAfter) })
	return named[:min(len(named), maxDelegates)]
}

// delegatedTo notes the delegate that signed.
func (c *check) delegatedTo(cert *x509.Certificate) {
	c.delegate = cert
	c.v.Responder, c.v.SignerNotAfter = cert.Subject.String(), cert.NotAfter
	c.v.SignerUnchecked = !HasNoCheck(cert)
}

// checkDelegate wants what RFC 6960 §4.2.2.2 asks of an authorised responder:
// issued directly by the issuer, with the usage OCSPSigning by name; that it is
// valid now is checked with the other times. An ordinary leaf of the same CA
// fails here, as does the delegate of another CA that calls itself the same.
func (c *check) checkDelegate(cert *x509.Certificate) error {
	switch {
	case !c.namesIssuer(cert):
		return Refuse(ReasonUnauthorizedSigner, "%s is not a delegate of %s: issued by another", cert.Subject, c.issuer.Subject)
	case !slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning):
		return Refuse(ReasonUnauthorizedSigner, "%s has no extended key usage OCSPSigning", cert.Subject)
	case cert.KeyUsage != 0 && cert.KeyUsage&(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) == 0:
		return Refuse(ReasonUnauthorizedSigner, "the key usage of %s excludes signatures", cert.Subject)
	case bytes.Equal(cert.RawSubjectPublicKeyInfo, c.leaf.RawSubjectPublicKeyInfo), cert.SerialNumber.Cmp(c.leaf.SerialNumber) == 0:
		return Refuse(ReasonUnauthorizedSigner, "%s vouches for itself", cert.Subject)
	}
	for _, oid := range cert.UnhandledCriticalExtensions {
		if !oid.Equal(oidNoCheck) {
			return Refuse(ReasonCriticalExtension, "%s has the unknown critical extension %s", cert.Subject, oid)
		}
	}
	if err := cert.CheckSignatureFrom(c.issuer); err != nil {
		return Refuse(ReasonUnauthorizedSigner, "%s is not a delegate of %s: %w", cert.Subject, c.issuer.Subject, err)
	}
	return nil
}

// namesIssuer reports whether cert says that the issuer issued it, which costs
// less to find out than whether that is true.
func (c *check) namesIssuer(cert *x509.Certificate) bool {
	return bytes.Equal(cert.RawIssuer, c.issuer.RawSubject) || bytes.Equal(cert.RawIssuer, c.leaf.RawIssuer)
}
