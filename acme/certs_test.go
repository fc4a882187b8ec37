package acme_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"testing"
	"time"

	"dwaar/acme"
)

var errNotThere = fmt.Errorf("no certificate: %w", fs.ErrNotExist)

// issue makes a certificate that begins now, with like's key if there is one.
func issue(t *testing.T, name string, life time.Duration, like *acme.Issued) *acme.Issued {
	t.Helper()
	if like != nil {
		pair, err := tls.X509KeyPair(like.CertPEM, like.KeyPEM)
		if err != nil {
			t.Fatal(err)
		}
		return sign(t, name, time.Now(), life, pair.PrivateKey.(*ecdsa.PrivateKey))
	}
	return sign(t, name, time.Now(), life, newKey(t))
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t *testing.T, name string, from time.Time, life time.Duration, key *ecdsa.PrivateKey) *acme.Issued {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Test CA"},
		NotBefore: from, NotAfter: from.Add(life), DNSNames: []string{name},
	}
	if ip := net.ParseIP(name); ip != nil {
		template.DNSNames, template.IPAddresses = nil, []net.IP{ip}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return &acme.Issued{
		Name: name, Issuer: "ca.example-directory", Leaf: leaf,
		CertPEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		KeyPEM:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	}
}

func fingerprint(t *testing.T, certPEM []byte) [32]byte {
	t.Helper()
	block, _ := pem.Decode(certPEM)
	if block == nil {
		t.Fatal("that is no PEM")
	}
	return sha256.Sum256(block.Bytes)
}

func serialOf(c *acme.Issued) string { return fmt.Sprintf("%x", c.Leaf.SerialNumber.Bytes()) }
