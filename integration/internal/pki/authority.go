// Package pki makes the certificates the integration tests run on: a root, its
// intermediate, and leaves with an OCSP URL. It shares no code with dwaar.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"
)

// Authority is a certificate that signs others, with its key.
type Authority struct {
	Cert   *x509.Certificate
	Key    crypto.Signer
	Parent *Authority // nil for a root
}

// New returns an intermediate under a fresh root, both named after name.
func New(t testing.TB, name string) *Authority {
	t.Helper()
	root := newRoot(t, name+" Root")
	return root.Sub(t, name+" Intermediate")
}

// Root returns the authority at the top.
func (a *Authority) Root() *Authority {
	for a.Parent != nil {
		a = a.Parent
	}
	return a
}

// Sub issues another authority below a.
func (a *Authority) Sub(t testing.TB, name string) *Authority {
	t.Helper()
	return newAuthority(t, name, a)
}

// Pool holds the root of a, as a client that trusts it would.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.Root().Cert)
	return pool
}

// Delegate issues an OCSP signer under a; usage and lifetime are the caller's so that
// a test can get them wrong.
func (a *Authority) Delegate(t testing.TB, notAfter time.Time, usage ...x509.ExtKeyUsage) *Authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: serial(t),
		Subject:      pkix.Name{CommonName: "OCSP signer"},
		NotBefore:    notAfter.Add(-48 * time.Hour),
		NotAfter:     notAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  usage,
		ExtraExtensions: []pkix.Extension{
			{Id: []int{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}, Value: []byte{5, 0}}, // id-pkix-ocsp-nocheck
		},
	}
	key := p256(t)
	return &Authority{Cert: sign(t, template, a, key.Public()), Key: key, Parent: a}
}

func newRoot(t testing.TB, name string) *Authority { return newAuthority(t, name, nil) }

func newAuthority(t testing.TB, name string, parent *Authority) *Authority {
	t.Helper()
	key := p256(t)
	a := &Authority{Key: key, Parent: parent}
	template := &x509.Certificate{
		SerialNumber:          serial(t),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             time.Now().Add(-24 * time.Hour),
		NotAfter:              time.Now().Add(3650 * 24 * time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
	}
	signer := parent
	if parent == nil {
		a.Cert, signer = template, a
	}
	a.Cert = sign(t, template, signer, key.Public())
	return a
}

func sign(t testing.TB, template *x509.Certificate, by *Authority, public any) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, by.Cert, public, by.Key)
	if err != nil {
		t.Fatalf("signing %s: %v", template.Subject, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatalf("parsing the certificate of %s: %v", template.Subject, err)
	}
	return cert
}

func p256(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func serial(t testing.TB) *big.Int {
	t.Helper()
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		t.Fatal(err)
	}
	return n.Add(n, big.NewInt(1))
}
