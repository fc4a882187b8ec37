package ocsptest

import (
	"crypto"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"testing"
	"time"
)

// Leaf is an end-entity certificate with its key: a server's, or a delegate's.
type Leaf struct {
	Cert   *x509.Certificate
	Key    crypto.Signer
	Issuer *CA // nil if self-signed
}

// Leaf issues a server certificate for localhost, 127.0.0.1 and ::1 that was
// valid 30 days ago and is for 90 more.
func (ca *CA) Leaf(t testing.TB, opts ...Option) *Leaf {
	t.Helper()
	return newLeaf(t, ca, &x509.Certificate{
		Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		IPAddresses: loopbacks(), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, 90*day, opts)
}

// Delegate issues a certificate that may sign OCSP responses for ca: with the
// OCSPSigning usage and nocheck, for ten years.
func (ca *CA) Delegate(t testing.TB, opts ...Option) *Leaf {
	t.Helper()
	return newLeaf(t, ca, &x509.Certificate{
		Subject:     pkix.Name{CommonName: "dwaar test responder"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning},
	}, 10*year, append([]Option{NoCheck()}, opts...))
}

// SelfSigned makes a server certificate that signed itself.
func SelfSigned(t testing.TB, opts ...Option) *Leaf {
	t.Helper()
	return newLeaf(t, nil, &x509.Certificate{
		Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		IPAddresses: loopbacks(), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, 90*day, opts)
}

func newLeaf(t testing.TB, ca *CA, template *x509.Certificate, life time.Duration, opts []Option) *Leaf {
	t.Helper()
	now := time.Now()
	template.SerialNumber, template.KeyUsage = newSerial(t), x509.KeyUsageDigitalSignature
	template.NotBefore, template.NotAfter = now.Add(-30*day), now.Add(life)
	s := newSpec(template, opts)
	key := s.newKey(t)
	return &Leaf{Cert: create(t, s.cert, ca, key), Key: key, Issuer: ca}
}

// Fingerprint is the SHA-256 of the certificate.
func (l *Leaf) Fingerprint() [32]byte { return sha256.Sum256(l.Cert.Raw) }

// Chain is the certificate followed by its issuer, as a server sends it. A
// certificate directly under a root stands alone.
func (l *Leaf) Chain() []*x509.Certificate {
	if l.Issuer == nil || l.Issuer.Root == nil {
		return []*x509.Certificate{l.Cert}
	}
	return []*x509.Certificate{l.Cert, l.Issuer.Cert}
}

// ChainDER is Chain in DER.
func (l *Leaf) ChainDER() [][]byte {
	var der [][]byte
	for _, cert := range l.Chain() {
		der = append(der, cert.Raw)
	}
	return der
}

// TLS is the chain with its key, without staple.
func (l *Leaf) TLS() tls.Certificate {
	return tls.Certificate{Certificate: l.ChainDER(), PrivateKey: l.Key, Leaf: l.Cert}
}

// Pool holds the root above ca, for clients that verify.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	for ca.Root != nil {
		ca = ca.Root
	}
	pool.AddCert(ca.Cert)
	return pool
}
