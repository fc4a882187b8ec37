// Package storage says what persisting means to dwaar: whole values under slash-separated
// keys, and locks that do not outlive their holder. FileSystem is the backend for one
// machine or one shared file system; storagetest holds what every backend must do.
package storage

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Storage keeps values under keys. A key is a slash path such as "ocsp/3f9a…"; see Clean for
// which are accepted. A prefix is the path of a key without its last components: "ocsp" is
// a prefix of "ocsp/a", and not of "ocspx". A prefix exists while a key lies under it.
//
// Methods are safe for concurrent use, by several processes too. A context that is done
// ends them with its error.
type Storage interface {
	// Store puts value under key, replacing what was there. When it returns nil the value
	// survives a crash; when it fails, or the process dies, readers find the old value or
	// the new one, never a part.
	Store(ctx context.Context, key string, value []byte) error

	// Load returns the value of key, or an error that is fs.ErrNotExist.
	Load(ctx context.Context, key string) ([]byte, error)

	// Delete removes key, or every key under it if it is a prefix, durably. A key that is
	// not there is no error.
	Delete(ctx context.Context, key string) error

	// Exists reports whether there is such a key or prefix.
	Exists(ctx context.Context, key string) (bool, error)

	// List returns what is directly under a prefix, keys and prefixes, or, recursively,
	// every key under it; full keys, sorted. The prefix "" is everything and always exists;
	// any other without keys is fs.ErrNotExist.
	List(ctx context.Context, prefix string, recursive bool) ([]string, error)

	// Stat describes a key or a prefix, or returns an error that is fs.ErrNotExist.
	Stat(ctx context.Context, key string) (KeyInfo, error)

	Locker
}

// Locker hands out locks by name across everything that uses the same storage. A lock whose
// holder has died becomes free by itself. What a lock protects is done under its context: see
// Under.
type Locker interface {
	// Lock waits until the lock is ours or ctx is done. It is not reentrant.
	Lock(ctx context.Context, name string) error

	// TryLock is Lock that does not wait: false means somebody else holds it.
	TryLock(ctx context.Context, name string) (bool, error)

	// Unlock gives back a lock; one we do not hold is ErrNotLocked.
	Unlock(ctx context.Context, name string) error
}

// KeyInfo describes a key. For a prefix only Key is set, and Prefix is true.
type KeyInfo struct {
	Key      string
	Size     int64 // bytes
	Modified time.Time
	Prefix   bool
}

// MaxValue is the most bytes a value may have: well above any CRL (10 MiB) or chain, and far
// below what would hurt. Store refuses more and Load does not read more.
const MaxValue = 64 << 20

// ErrNotLocked is returned by Unlock, and by Store and Delete under it, for a lock that this
// storage handle does not hold, or not any more.
var ErrNotLocked = errors.New("lock is not held")

// CheckSize returns an error for a value of n bytes that is over MaxValue.
func CheckSize(n int64) error {
	if n > MaxValue {
		return fmt.Errorf("value of %d bytes is over the limit of %d", n, int64(MaxValue))
	}
	return nil
}
