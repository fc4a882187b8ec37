package crl

import (
	"context"
	"crypto/sha256"
	"iter"

	"dwaar/ocspsvc"
)

// Fingerprint names a leaf: the SHA-256 of its DER.
type Fingerprint = [sha256.Size]byte

// Certificate is what the watcher needs to know of one certificate.
type Certificate struct {
	Fingerprint Fingerprint // SHA-256 of Chain[0]
	Chain       [][]byte    // DER, leaf first, the rest in any order; not changed by either side
	Disabled    bool        // `ocsp off`: not checked
}

// Catalog is the owner of the certificates.
type Catalog interface {
	// Certificates yields every certificate that is or may be served, also
	// those that have a responder or no CRL: the watcher tells them apart.
	Certificates() iter.Seq[Certificate]
}

// Revocations is told when a certificate turns out to be revoked (V1, V2), and
// when it no longer is.
type Revocations interface {
	// Revocation is called with a verified verdict: Status is ocspsvc.Revoked
	// when leaf is revoked; anything else says that it no longer counts as
	// revoked (a hold was lifted, or checking was turned off for it). It must
	// not block. After Sync the same may be told again.
	Revocation(leaf Fingerprint, verdict ocspsvc.Verdict)
}

// Storage is what the watcher needs of durable storage. tlsstore/storage has it.
// Load and Delete of a missing key fail with an error that is fs.ErrNotExist.
type Storage interface {
	Store(ctx context.Context, key string, value []byte) error
	Load(ctx context.Context, key string) ([]byte, error)
	Delete(ctx context.Context, key string) error
	List(ctx context.Context, prefix string, recursive bool) ([]string, error)
}
