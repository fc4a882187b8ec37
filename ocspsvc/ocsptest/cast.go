package ocsptest

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"
	"time"
)

// cast are those who sign, rightly or not.
type cast struct {
	twin      *CA // another CA with the same name
	stranger  *CA // a CA that has nothing to do with it
	delegates map[Fault]*Leaf
	self      *Leaf // set by UseLeaf
}

func newCast(t testing.TB, ca *CA) cast {
	t.Helper()
	twin, stranger := ca.Twin(t), NewRoot(t, Name("stranger"))
	root := ca
	if ca.Root != nil {
		root = ca.Root
	}
	critical := pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 1}, Critical: true, Value: []byte{5, 0}}
	return cast{twin: twin, stranger: stranger, delegates: map[Fault]*Leaf{
		Delegated:        ca.Delegate(t),
		DelegateNoCheck:  ca.Delegate(t, Modify(func(c *x509.Certificate) { c.ExtraExtensions = nil })),
		DelegateNoEKU:    ca.Delegate(t, usage()),
		DelegateAnyEKU:   ca.Delegate(t, usage(x509.ExtKeyUsageAny)),
		DelegateKeyUsage: ca.Delegate(t, Modify(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyAgreement })),
		DelegateCritical: ca.Delegate(t, Modify(func(c *x509.Certificate) { c.ExtraExtensions = append(c.ExtraExtensions, critical) })),
		DelegateExpired:  ca.Delegate(t, Validity(-20*day, -time.Hour)),
		DelegateFuture:   ca.Delegate(t, Validity(day, 20*day)),
		DelegateForeign:  twin.Delegate(t),
		DelegateNested:   NewRoot(t, Modify(func(c *x509.Certificate) { c.Subject = root.Cert.Subject })).Delegate(t),
		LeafSigner:       ca.Leaf(t, Names("other.example"), Validity(-30*day, 10*year)),
	}}
}

func usage(usages ...x509.ExtKeyUsage) Option {
	return Modify(func(cert *x509.Certificate) { cert.ExtKeyUsage = usages })
}

// signer returns who signs under these settings, and what is embedded.
func (r *Responder) signer(s Settings, c cast) (*x509.Certificate, crypto.Signer, []*x509.Certificate) {
	delegate := func(fault Fault) (*x509.Certificate, crypto.Signer, []*x509.Certificate) {
		leaf := c.delegates[fault]
		return leaf.Cert, leaf.Key, []*x509.Certificate{leaf.Cert}
	}
	switch s.Fault {
	case DelegateSecond:
		cert, key, certs := delegate(Delegated)
		return cert, key, append([]*x509.Certificate{c.delegates[LeafSigner].Cert}, certs...)
	case DelegateMissing:
		cert, key, _ := delegate(Delegated)
		return cert, key, nil
	case WrongSigner:
		return c.stranger.Cert, c.stranger.Key, []*x509.Certificate{c.stranger.Cert}
	case WrongIssuer, TwinSigner:
		return c.twin.Cert, c.twin.Key, nil
	case EmbeddedIssuer:
		return r.ca.Cert, r.ca.Key, []*x509.Certificate{r.ca.Cert}
	case SelfSigner:
		if c.self != nil {
			return c.self.Cert, c.self.Key, []*x509.Certificate{c.self.Cert}
		}
		return delegate(LeafSigner)
	}
	if c.delegates[s.Fault] != nil {
		return delegate(s.Fault)
	}
	if s.Delegate {
		return delegate(Delegated)
	}
	return r.ca.Cert, r.ca.Key, nil
}
