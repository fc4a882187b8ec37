package tlsstore_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"dwaar/tlsstore"
)

// serials are unique in the whole test binary.
var serials atomic.Int64

// ca is a root with one intermediate, which issues.
type ca struct {
	t     testing.TB
	root  *x509.Certificate
	inter *x509.Certificate
	key   crypto.Signer // of the intermediate
}

func newCA(t testing.TB) *ca {
	t.Helper()
	rootKey, interKey := newKey(t, "P-256"), newKey(t, "P-256")
	root := authority("test root", rootKey)
	rootCert := sign(t, root, root, rootKey.Public(), rootKey)
	inter := sign(t, authority("test intermediate", interKey), rootCert, interKey.Public(), rootKey)
	return &ca{t, rootCert, inter, interKey}
}

func authority(name string, key crypto.Signer) *x509.Certificate {
	id, _ := x509.MarshalPKIXPublicKey(key.Public())
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, SerialNumber: big.NewInt(serials.Add(1)),
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(10 * 365 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, SubjectKeyId: id[len(id)-20:],
	}
}

func sign(t testing.TB, template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func newKey(t testing.TB, kind string) crypto.Signer {
	t.Helper()
	var key crypto.Signer
	var err error
	switch kind {
	case "RSA":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "P-224":
		key, err = ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	case "P-256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "P-384":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "P-521":
		key, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "Ed25519":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// issued is a leaf with its key and chain.
type issued struct {
	leaf  *x509.Certificate
	key   crypto.Signer
	chain []*x509.Certificate // leaf, intermediate
}

// leaf issues a certificate on P-256; adjust may change what is asked for.
func (c *ca) leaf(name string, adjust ...func(*x509.Certificate)) issued {
	c.t.Helper()
	return c.leafOf(newKey(c.t, "P-256"), name, adjust...)
}

func (c *ca) leafOf(key crypto.Signer, name string, adjust ...func(*x509.Certificate)) issued {
	c.t.Helper()
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, SerialNumber: big.NewInt(serials.Add(1)),
		NotBefore: time.Now().Add(-time.Hour).Truncate(time.Second), NotAfter: time.Now().Add(90 * 24 * time.Hour).Truncate(time.Second),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, change := range adjust {
		change(template)
	}
	leaf := sign(c.t, template, c.inter, key.Public(), c.key)
	return issued{leaf, key, []*x509.Certificate{leaf, c.inter}}
}

// mustStaple asks for a certificate with the TLS feature status_request (RFC 7633).
func mustStaple(template *x509.Certificate) {
	template.ExtraExtensions = append(template.ExtraExtensions, pkix.Extension{
		Id: []int{1, 3, 6, 1, 5, 5, 7, 1, 24}, Value: []byte{0x30, 3, 2, 1, 5},
	})
}

func (i issued) fingerprint() tlsstore.Fingerprint { return fingerprint(i.leaf.Raw) }

func (i issued) pair(t testing.TB) *tlsstore.Pair {
	t.Helper()
	p, err := tlsstore.ParsePair(certPEM(i.chain...), keyPEM(t, i.key))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// staple is recognisably of this leaf, and servable now.
func (i issued) staple(text string) *tlsstore.Staple {
	fp := i.fingerprint()
	return &tlsstore.Staple{
		Response: append(fp[:], text...),
		From:     time.Now().Add(-time.Hour), Until: time.Now().Add(24 * time.Hour),
	}
}

func certPEM(certs ...*x509.Certificate) []byte {
	var text []byte
	for _, cert := range certs {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})...)
	}
	return text
}

func keyPEM(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// write makes a file in the test's directory and returns its path.
func write(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func newStore(t testing.TB, cfg tlsstore.Config, bindings ...tlsstore.Binding) *tlsstore.Store {
	t.Helper()
	return newLoggedStore(t, slog.New(slog.NewTextHandler(t.Output(), nil)), cfg, bindings...)
}

func newLoggedStore(t testing.TB, log *slog.Logger, cfg tlsstore.Config, bindings ...tlsstore.Binding) *tlsstore.Store {
	t.Helper()
	s, err := tlsstore.New(cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	apply(t, s, bindings...)
	return s
}

func apply(t testing.TB, s *tlsstore.Store, bindings ...tlsstore.Binding) {
	t.Helper()
	if err := s.Apply(bindings); err != nil {
		t.Fatal(err)
	}
}

// on binds a pair to names of the listener ":443".
func on(pair *tlsstore.Pair, names ...string) tlsstore.Binding {
	return tlsstore.Binding{Listener: ":443", Names: names, Pair: pair}
}

// localConn is a connection that says to which address the client connected.
type localConn struct {
	net.Conn
	local net.Addr
}

func (c localConn) LocalAddr() net.Addr { return c.local }

func expired(template *x509.Certificate) { template.NotAfter = time.Now().Add(-time.Minute) }
