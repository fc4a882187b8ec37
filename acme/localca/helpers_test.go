package localca_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"net"
	"testing"

	"dwaar/acme/localca"
	"dwaar/tlsstore/storage"
)

// newCA is a CA in a directory, which may have one already.
func newCA(t *testing.T, dir string) *localca.CA {
	t.Helper()
	return newCAOn(t, open(t, dir))
}

func newCAOn(t *testing.T, s storage.Storage) *localca.CA {
	return localca.New(s, slog.New(slog.NewTextHandler(t.Output(), nil)))
}

func open(t *testing.T, dir string) *storage.FileSystem {
	t.Helper()
	s, err := storage.NewFileSystem(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// request asks for names, which may be IP addresses.
func request(t *testing.T, names ...string) *x509.CertificateRequest {
	t.Helper()
	return requestBy(t, newKey(t), names...)
}

func requestBy(t *testing.T, key crypto.Signer, names ...string) *x509.CertificateRequest {
	t.Helper()
	template := &x509.CertificateRequest{}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	return signed(t, template, key)
}

func signed(t *testing.T, template *x509.CertificateRequest, key crypto.Signer) *x509.CertificateRequest {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		t.Fatal(err)
	}
	return csr
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// issued are the leaf and the intermediate for names.
func issued(t *testing.T, ca *localca.CA, names ...string) (leaf, intermediate *x509.Certificate) {
	t.Helper()
	chain, err := ca.Issue(t.Context(), request(t, names...))
	if err != nil {
		t.Fatal(err)
	}
	certs := certificates(t, chain)
	if len(certs) != 2 {
		t.Fatalf("the chain has %d certificates, want leaf and intermediate", len(certs))
	}
	return certs[0], certs[1]
}

func rootOf(t *testing.T, ca *localca.CA) *x509.Certificate {
	t.Helper()
	root, err := ca.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return certificates(t, root)[0]
}

func certificates(t *testing.T, data []byte) (all []*x509.Certificate) {
	t.Helper()
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			return all
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		all, data = append(all, cert), rest
	}
}

func pool(certs ...*x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, cert := range certs {
		p.AddCert(cert)
	}
	return p
}

// value reads what is in storage, or nil.
func value(t *testing.T, s storage.Storage, key string) []byte {
	t.Helper()
	v, err := s.Load(context.Background(), key)
	if err != nil {
		return nil
	}
	return v
}
