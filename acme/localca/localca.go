// Package localca is a certificate authority of dwaar's own, for names that no public CA
// certifies: a root, an intermediate that renews itself, and leaves for whoever asks. It
// lives in storage, so every process on one storage has the same.
package localca

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"log/slog"
	"time"

	"dwaar/tlsstore/storage"
)

// How long certificates live; leaves so shortly because nothing revokes them.
const (
	RootLifetime         = 10 * 365 * 24 * time.Hour
	IntermediateLifetime = 7 * 24 * time.Hour
	LeafLifetime         = 24 * time.Hour
)

// How long before its end a CA certificate is replaced, and therefore signs nothing more. For
// the root it means that clients have to trust the next one.
const (
	rootMargin         = 30 * 24 * time.Hour
	intermediateMargin = IntermediateLifetime / 3
)

// Nothing outlives its issuer: these do not compile otherwise.
const (
	_ = uint64(rootMargin - IntermediateLifetime)
	_ = uint64(intermediateMargin - LeafLifetime)
)

// backdated is how long before its making a certificate begins, for clients whose clock
// is a little behind.
const backdated = 5 * time.Minute

// CA issues certificates. It keeps nothing in memory: storage is the one truth, for
// several processes too. It is safe for concurrent use and has no goroutines.
type CA struct {
	storage storage.Storage
	log     *slog.Logger
}

// New uses the CA in s. Nothing is read, and nothing made, before the first use.
func New(s storage.Storage, log *slog.Logger) *CA {
	return &CA{storage: s, log: log}
}

// Root is the certificate (PEM) that clients have to trust. The CA is made if there is
// none yet.
func (ca *CA) Root(ctx context.Context) ([]byte, error) {
	a, err := ca.authority(ctx)
	if err != nil {
		return nil, err
	}
	return encodeCertificate(a.root.cert), nil
}

// FindRoot is Root that makes and changes nothing: without a CA the error is
// fs.ErrNotExist.
func (ca *CA) FindRoot(ctx context.Context) ([]byte, error) {
	root, err := ca.load(ctx, rootName)
	if err != nil {
		return nil, fmt.Errorf("local CA: %w", err)
	}
	return encodeCertificate(root.cert), nil
}

// Issue certifies the key of csr for the DNS names and IP addresses it asks for, which
// need not be local, and returns the leaf followed by the intermediate (PEM). It refuses
// a csr that is not signed by its own key, or that asks for anything else. The leaf names
// no responder and no CRL, and says so (noRevAvail, RFC 9608).
func (ca *CA) Issue(ctx context.Context, csr *x509.CertificateRequest) ([]byte, error) {
	if err := check(csr); err != nil {
		return nil, fmt.Errorf("local CA: certificate request: %w", err)
	}
	a, err := ca.authority(ctx)
	if err != nil {
		return nil, err
	}
	leaf, err := a.intermediate.sign(leafTemplate(csr), csr.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("local CA: issuing %s: %w", namesOf(csr), err)
	}
	return append(encodeCertificate(leaf), encodeCertificate(a.intermediate.cert)...), nil
}

// sign makes a certificate for key that p has issued.
func (p pair) sign(template *x509.Certificate, key crypto.PublicKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, p.cert, key, p.key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}
