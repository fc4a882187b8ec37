// Package mirror lets a node go on while the storage that it shares with other nodes is down.
//
// A Mirror is that shared storage together with a local copy of all of it. It works by these
// rules:
//
// While the shared storage is up, it is asked for everything, and the local copy follows: with
// what this node stores, deletes and reads, and with the changes of others, which Run takes
// over within moments. A change is in the shared storage before Store and Delete return. What
// is deleted leaves the local copy first, so that no reader finds it there later.
//
// The first call that fails for the storage, and not for its key, takes the storage for down.
// From then on no caller waits for it: what is read comes from the local copy, locks are not to
// be had, and changes are refused, all with storage.ErrUnavailable. Answers are excepted, that
// is what is verified again by everybody who reads it: OCSP responses and CRLs. They are stored
// locally and owed to the shared storage, also by the next process.
//
// Run tries every second whether the storage is back. What is owed goes there then, unless it
// has something newer, and what it has instead comes here. A storage that has lost everything
// gets back what this node has; one with the content of somebody else replaces the local copy.
//
// A local copy that cannot be written makes a warning, and nothing else while the shared
// storage is up. While it is down, what the copy may have wrong is unavailable.
//
// The local copy loses a key only after the shared storage has said that it is not there and,
// after that, that its content is still the one that this node follows.
package mirror

import (
	"log/slog"
	"sync"
	"time"

	"dwaar/tlsstore/storage"
)

// Mirror is a shared storage with a local copy. It implements storage.Storage.
type Mirror struct {
	shared storage.Shared
	copy   *localCopy
	log    *slog.Logger
	counts *counts

	onChange   func(keys []string, all bool)
	connecting chan struct{} // held by the one who connects
	loaded     bool          // the state of the process before is read; owned by that one
	wake       chan struct{} // has Run look at once

	mu      sync.Mutex // guards the rest; never held for longer than a map takes
	contact contact
	state   state
	saved   state // what the local copy has of it
	turns   map[string]*turn
	owed    map[string]mark
	unsure  unsure
	news    news
}

var _ storage.Storage = (*Mirror)(nil)

// New makes a Mirror of shared with a copy in local, which is nobody else's. Before Connect or
// Run the shared storage counts as down.
func New(shared storage.Shared, local storage.Storage, log *slog.Logger) *Mirror {
	return &Mirror{
		shared: shared, copy: &localCopy{storage: local}, log: log, counts: newCounts(),
		onChange: func([]string, bool) {}, connecting: make(chan struct{}, 1), wake: make(chan struct{}, 1),
		contact: contact{since: time.Now(), err: errNotYet},
		turns:   map[string]*turn{}, owed: map[string]mark{},
	}
}

// OnChange has f called by Run with the keys that other nodes have changed, once the local copy
// has the change; while that cannot be written, also with keys that this node has. All means that anything may have changed: after a gap in what is known, or
// when the storage had lost its content. Call it before Run.
func (m *Mirror) OnChange(f func(keys []string, all bool)) { m.onChange = f }

// nudge has Run look at once.
func (m *Mirror) nudge() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}
