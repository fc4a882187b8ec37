// Package storagetest holds what every storage backend must do, as tests that a backend's
// own tests run.
package storagetest

import (
	"testing"
	"time"

	"dwaar/tlsstore/storage"
)

// Backend is what a backend's test provides.
type Backend struct {
	// Open returns a fresh, empty storage and a function that opens a further handle to the
	// same content, as another process would.
	Open func(t *testing.T) (s storage.Storage, again func() storage.Storage)

	// DieHolding lets a holder take the lock in the storage that was opened last, and die
	// without giving it back. The lock must be held when DieHolding begins to kill.
	DieHolding func(t *testing.T, lock string)

	// Lease is how long a lock outlives its holder, if it must be renewed while that lives.
	Lease time.Duration
}

// Run runs the whole suite against a backend.
func Run(t *testing.T, b Backend) {
	t.Run("Values", func(t *testing.T) { values(t, b) })
	t.Run("Replacing", func(t *testing.T) { replacing(t, b) })
	t.Run("Keys", func(t *testing.T) { keys(t, b) })
	t.Run("Listing", func(t *testing.T) { listing(t, b) })
	t.Run("Locks", func(t *testing.T) { locks(t, b) })
}
