package ocsptest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"testing"
)

// KeyFormat is how a private key is written.
type KeyFormat string

// The formats. PKCS1 is for RSA keys only, SEC1 for ECDSA keys only.
const (
	PKCS8 KeyFormat = "PKCS#8"
	PKCS1 KeyFormat = "PKCS#1"
	SEC1  KeyFormat = "SEC1"
)

// CertPEM encodes certificates in the given order.
func CertPEM(certs ...*x509.Certificate) []byte {
	var b bytes.Buffer
	for _, cert := range certs {
		b.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))
	}
	return b.Bytes()
}

// KeyPEM encodes a private key.
func KeyPEM(t testing.TB, key crypto.Signer, format KeyFormat) []byte {
	t.Helper()
	block, err := keyBlock(key, format)
	if err != nil {
		t.Fatalf("encoding a %T as %s: %v", key, format, err)
	}
	return pem.EncodeToMemory(block)
}

func keyBlock(key crypto.Signer, format KeyFormat) (*pem.Block, error) {
	switch format {
	case PKCS1:
		if key, ok := key.(*rsa.PrivateKey); ok {
			return &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}, nil
		}
	case SEC1:
		if key, ok := key.(*ecdsa.PrivateKey); ok {
			der, err := x509.MarshalECPrivateKey(key)
			return &pem.Block{Type: "EC PRIVATE KEY", Bytes: der}, err
		}
	case PKCS8:
		der, err := x509.MarshalPKCS8PrivateKey(key)
		return &pem.Block{Type: "PRIVATE KEY", Bytes: der}, err
	}
	return nil, x509.ErrUnsupportedAlgorithm
}

// ChainPEM is the chain as a server's certificate file has it.
func (l *Leaf) ChainPEM() []byte { return CertPEM(l.Chain()...) }

// KeyPEM is the key in PKCS#8.
func (l *Leaf) KeyPEM(t testing.TB) []byte {
	t.Helper()
	return KeyPEM(t, l.Key, PKCS8)
}

// Write puts chain and key (PKCS#8) into dir as name.pem and name.key, and
// returns the two paths.
func (l *Leaf) Write(t testing.TB, dir, name string) (certFile, keyFile string) {
	t.Helper()
	return WriteFile(t, dir, name+".pem", l.ChainPEM()), WriteFile(t, dir, name+".key", l.KeyPEM(t))
}

// WriteFile writes a file only its owner can read, and returns its path.
func WriteFile(t testing.TB, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func loopbacks() []net.IP { return []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback} }
