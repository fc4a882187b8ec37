package ocsptest_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc/ocsptest"
)

func TestLeavesServeEveryKeyTypeAndFormat(t *testing.T) {
	formats := map[ocsptest.KeyType][]ocsptest.KeyFormat{
		ocsptest.RSA: {ocsptest.PKCS1, ocsptest.PKCS8}, ocsptest.P256: {ocsptest.SEC1, ocsptest.PKCS8},
		ocsptest.P384: {ocsptest.SEC1, ocsptest.PKCS8}, ocsptest.Ed25519: {ocsptest.PKCS8},
	}
	for _, kind := range ocsptest.KeyTypes() {
		ca := ocsptest.NewCA(t, ocsptest.Key(kind))
		leaf := ca.Leaf(t, ocsptest.Key(kind), ocsptest.Names("a.example", "127.0.0.2"))
		for _, format := range formats[kind] {
			pair, err := tls.X509KeyPair(leaf.ChainPEM(), ocsptest.KeyPEM(t, leaf.Key, format))
			if err != nil {
				t.Errorf("%s %s: %v", kind, format, err)
				continue
			}
			if err := handshake(t, pair, ca, "a.example"); err != nil {
				t.Errorf("%s %s: %v", kind, format, err)
			}
		}
	}
}

func handshake(t *testing.T, pair tls.Certificate, ca *ocsptest.CA, name string) error {
	t.Helper()
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	go func() { _ = tls.Server(far, &tls.Config{Certificates: []tls.Certificate{pair}}).Handshake() }()
	return tls.Client(near, &tls.Config{RootCAs: ca.Pool(), ServerName: name}).HandshakeContext(t.Context())
}

func TestLeavesWorkInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := ocsptest.NewCA(t)
		if err := handshake(t, ca.Leaf(t).TLS(), ca, "localhost"); err != nil {
			t.Errorf("in %v: %v", time.Now(), err)
		}
	})
}

func TestOptionsReachTheCertificate(t *testing.T) {
	ca := ocsptest.NewCA(t, ocsptest.Name("my CA"))
	leaf := ca.Leaf(t, ocsptest.OCSP("http://127.0.0.1:1/o", "http://[::1]/o"), ocsptest.CAIssuers("http://127.0.0.1:1/i"),
		ocsptest.Serial(9), ocsptest.Validity(-time.Hour, time.Hour))
	cert := leaf.Cert
	if len(cert.OCSPServer) != 2 || len(cert.IssuingCertificateURL) != 1 || cert.SerialNumber.Int64() != 9 ||
		cert.NotAfter.Sub(cert.NotBefore) != 2*time.Hour || cert.Issuer.CommonName != "my CA" {
		t.Errorf("certificate = %+v", cert)
	}
	again := ca.Leaf(t, ocsptest.WithKey(leaf.Key))
	if !bytes.Equal(again.Cert.RawSubjectPublicKeyInfo, cert.RawSubjectPublicKeyInfo) || again.Fingerprint() == leaf.Fingerprint() {
		t.Error("a renewal does not keep the key, or is not another certificate")
	}
	if leaf.Fingerprint() != sha256.Sum256(cert.Raw) {
		t.Error("the fingerprint is not the SHA-256 of the certificate")
	}
}

func TestFilesAreForTheirOwnerOnly(t *testing.T) {
	leaf := ocsptest.NewCA(t).Leaf(t)
	certFile, keyFile := leaf.Write(t, t.TempDir(), "site")
	if _, err := tls.LoadX509KeyPair(certFile, keyFile); err != nil {
		t.Error(err)
	}
	info, err := os.Stat(keyFile)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
}

func TestChainsEndBelowTheRoot(t *testing.T) {
	ca, root := ocsptest.NewCA(t), ocsptest.NewRoot(t)
	for name, test := range map[string]struct {
		leaf *ocsptest.Leaf
		want []*x509.Certificate
	}{
		"three levels": {ca.Leaf(t), []*x509.Certificate{ca.Cert}},
		"two levels":   {root.Leaf(t), nil},
		"self-signed":  {ocsptest.SelfSigned(t), nil},
	} {
		chain := test.leaf.Chain()
		if len(chain) != len(test.want)+1 || chain[0] != test.leaf.Cert || len(chain) > 1 && chain[1] != test.want[0] {
			t.Errorf("%s: chain of %d", name, len(chain))
		}
	}
}
