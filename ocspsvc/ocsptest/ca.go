package ocsptest

import (
	"crypto"
	"crypto/rand"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"
)

const (
	day  = 24 * time.Hour
	year = 365 * day
)

// CA is a certificate authority: an intermediate of NewCA, or its root.
type CA struct {
	Cert *x509.Certificate
	Key  crypto.Signer
	Root *CA // nil for a root
}

// NewCA makes a root and an intermediate under it, and returns the
// intermediate. Options apply to the intermediate, Key also to the root.
func NewCA(t testing.TB, opts ...Option) *CA {
	t.Helper()
	root := newCA(t, nil, "dwaar test root", keyOnly(opts)...)
	return newCA(t, root, "dwaar test intermediate", opts...)
}

// NewRoot makes a root that can issue leaves itself.
func NewRoot(t testing.TB, opts ...Option) *CA {
	t.Helper()
	return newCA(t, nil, "dwaar test root", opts...)
}

// Twin is another CA with the same name, the same key identifier and a
// different key, under the same root.
func (ca *CA) Twin(t testing.TB, opts ...Option) *CA {
	t.Helper()
	same := Modify(func(cert *x509.Certificate) { cert.Subject, cert.SubjectKeyId = ca.Cert.Subject, ca.Cert.SubjectKeyId })
	return newCA(t, ca.Root, "", append([]Option{same}, opts...)...)
}

func newCA(t testing.TB, root *CA, name string, opts ...Option) *CA {
	t.Helper()
	now := time.Now()
	s := newSpec(&x509.Certificate{
		Subject: pkix.Name{CommonName: name, Organization: []string{"dwaar"}}, SerialNumber: newSerial(t),
		NotBefore: now.Add(-year), NotAfter: now.Add(10 * year),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
	}, opts)
	key := s.newKey(t)
	return &CA{Cert: create(t, s.cert, root, key), Key: key, Root: root}
}

// create signs template for key; a nil issuer makes it self-signed.
func create(t testing.TB, template *x509.Certificate, issuer *CA, key crypto.Signer) *x509.Certificate {
	t.Helper()
	parent, signer := template, key
	if issuer != nil {
		parent, signer = issuer.Cert, issuer.Key
	}
	if len(template.SubjectKeyId) == 0 {
		template.SubjectKeyId = keyID(t, key)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatalf("creating the certificate of %s: %v", template.Subject, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatalf("reading the certificate of %s: %v", template.Subject, err)
	}
	return cert
}

func keyID(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatalf("encoding a public key: %v", err)
	}
	id := sha1.Sum(der)
	return id[:]
}

func newSerial(t testing.TB) *big.Int {
	t.Helper()
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 126))
	if err != nil {
		t.Fatalf("making a serial: %v", err)
	}
	return serial.Add(serial, big.NewInt(1))
}
