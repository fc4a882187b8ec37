package responder

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"math/big"
	"time"

	"dwaar/ocspsvc"
)

// IssuerID names an issuer in records: the SHA-256 of its subject and its
// public key (SubjectPublicKeyInfo), both in DER. A CA whose own certificate is
// renewed with the same key keeps its ID; one with a new key is another issuer,
// as it is to OCSP.
type IssuerID [sha256.Size]byte

// IssuerIDOf returns the ID of an issuer.
func IssuerIDOf(issuer *x509.Certificate) IssuerID {
	h := sha256.New()
	h.Write(issuer.RawSubject)
	h.Write(issuer.RawSubjectPublicKeyInfo)
	return IssuerID(h.Sum(nil))
}

// String is the ID in hex.
func (id IssuerID) String() string { return hex.EncodeToString(id[:]) }

// Record is what a CA knows about one of its certificates.
type Record struct {
	Status    ocspsvc.Status           // Good or Revoked
	RevokedAt time.Time                // of a revoked one; never changes
	Reason    ocspsvc.RevocationReason // of a revoked one
	Expires   time.Time                // the certificate's notAfter; zero if it is not known
}

// Equal reports whether both say the same.
func (r Record) Equal(other Record) bool {
	return r.Status == other.Status && r.Reason == other.Reason &&
		r.RevokedAt.Equal(other.RevokedAt) && r.Expires.Equal(other.Expires)
}

var (
	// ErrNoRecord says that the issuer never issued that serial.
	ErrNoRecord = errors.New("no record of that serial")

	// ErrBadRecord says that the record contradicts itself, such as one that is
	// valid and has a revocation time. It is answered by internalError, never by
	// good; the database as such is in order.
	ErrBadRecord = errors.New("the record contradicts itself")
)

// Records finds what CAs know about their certificates.
type Records interface {
	// Record returns the record of a certificate. Its error is, or wraps,
	// ErrNoRecord for a serial that was never issued and ErrBadRecord for a
	// record that cannot be believed; any other means that the records cannot be
	// read now. It returns when ctx ends.
	Record(ctx context.Context, issuer IssuerID, serial *big.Int) (Record, error)
}

// Watcher is what Records may do besides: tell of changes as they happen. What
// nobody tells of is noticed within a second all the same.
type Watcher interface {
	// Watch calls changed for each certificate whose record has changed, and
	// with a nil serial when any of that issuer's may have, until ctx ends or
	// it can watch no longer. It is called again some time after it failed.
	Watch(ctx context.Context, changed func(issuer IssuerID, serial *big.Int)) error
}

// Entry is a record with its serial.
type Entry struct {
	Serial *big.Int
	Record Record
}

// Lister is what Records need for presigning.
type Lister interface {
	// List returns at most limit records of an issuer, those that come after
	// the serial after in the records' own order, which only has to be the same
	// at each call; from the beginning if after is nil. The last page is empty.
	// Certificates that have expired may be left out.
	List(ctx context.Context, issuer IssuerID, after *big.Int, limit int) ([]Entry, error)
}

// Pinger is what Records may do besides: tell whether they can be read, so that
// readiness is known before anybody asks.
type Pinger interface {
	Ping(ctx context.Context) error
}
