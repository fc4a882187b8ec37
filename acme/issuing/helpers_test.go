package issuing_test

import (
	"context"
	"crypto/x509"
	"log/slog"
	"testing"
	"time"

	"dwaar/acme/issuing"
	"dwaar/tlsstore/storage"
)

const name = "shop.example.test"

// open is another process on the storage in dir.
func open(t *testing.T, dir string) *issuing.Issuing {
	t.Helper()
	return issuing.New(openStorage(t, dir), nil, logger(t), issuing.Options{})
}

func openStorage(t *testing.T, dir string) *storage.FileSystem {
	t.Helper()
	s, err := storage.NewFileSystem(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func logger(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// policy is for name, from these CAs in order.
func policy(cas ...*fakeCA) issuing.Policy {
	p := issuing.Policy{Names: []string{name}}
	for _, ca := range cas {
		p.Issuers = append(p.Issuers, ca.issuer())
	}
	return p
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func obtain(t *testing.T, i *issuing.Issuing, p issuing.Policy) *issuing.Certificate {
	t.Helper()
	cert, err := i.Obtain(soon(t), p, name)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// signer is a local CA made of a fake one's key.
type signer struct{ *fakeCA }

func (s signer) Issue(_ context.Context, csr *x509.CertificateRequest) ([]byte, error) {
	return encode("CERTIFICATE", s.leafFor(csr).Raw), nil
}
