package acme

import (
	"context"
	"crypto/sha256"
	"time"

	"dwaar/acme/issuing"
)

// The plain data of package issuing: how certificates are got, and one that was.
type (
	Policy = issuing.Policy
	Issued = issuing.Certificate
)

// Issuer gets certificates, one attempt a call, and keeps them in storage.
type Issuer interface {
	// Obtain gets a certificate for a name that has none in storage. Every certificate has a
	// key of its own.
	Obtain(ctx context.Context, p Policy, name string) (*Issued, error)

	// Renew gets another one in place of o.Replaces, which need not be in storage any more;
	// or of whatever is stored, if that is nil. If storage has a newer one than o.Replaces, it
	// may return that.
	Renew(ctx context.Context, p Policy, name string, o issuing.RenewOptions) (*Issued, error)

	// Load returns the newest one in storage whose key belongs to it, or an error that is
	// fs.ErrNotExist.
	Load(ctx context.Context, p Policy, name string) (*Issued, error)

	// RenewalInfo asks the CA when it wants cert to be renewed (RFC 9773). The error is
	// issuing.ErrNoRenewalInfo if it never says.
	RenewalInfo(ctx context.Context, p Policy, cert *Issued) (issuing.RenewalInfo, error)

	// Save puts cert into storage, which did not take it when it was issued: Obtain and Renew
	// said so by an issuing.UnsavedError. It returns what is stored then: another one, if that is
	// neither cert nor instead, which was there when cert was ordered and may be nil.
	Save(ctx context.Context, p Policy, cert, instead *Issued) (*Issued, error)

	// Quarantine moves cert and its key to where Load does not look. It is idempotent, and
	// leaves alone another one that lies in cert's place.
	Quarantine(ctx context.Context, cert *Issued, why string) error

	// Lock waits for a name's lock across all that use the same storage. What it protects is
	// done under the context it returns: once the lock is lost, that changes nothing any more,
	// and fails with storage.ErrNotLocked.
	Lock(ctx context.Context, name string) (under context.Context, err error)

	// TryLock is Lock that does not wait: not ours means that somebody else has it.
	TryLock(ctx context.Context, name string) (under context.Context, ours bool, err error)

	// Unlock gives it back, also under a context that is done.
	Unlock(ctx context.Context, name string) error
}

// lifetime is how long a certificate is valid in all.
func lifetime(c *Issued) time.Duration { return c.Leaf.NotAfter.Sub(c.Leaf.NotBefore) }

func fingerprint(c *Issued) [32]byte { return sha256.Sum256(c.Leaf.Raw) }

func sameSerial(a, b *Issued) bool { return a.Leaf.SerialNumber.Cmp(b.Leaf.SerialNumber) == 0 }

func sameKey(a, b *Issued) bool {
	return string(a.Leaf.RawSubjectPublicKeyInfo) == string(b.Leaf.RawSubjectPublicKeyInfo)
}

// isPublic tells a CA that is asked by ACME from the local one.
func isPublic(c issuing.IssuerConfig) bool { return c.CA != issuing.Internal }
