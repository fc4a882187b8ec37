package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"dwaar/tlsstore/storage"
)

// importing is the name of the lock of an import, and of a value that is there
// until it is complete: what was interrupted is gone on with.
const importing = "importing"

// parts are what a dwaar of one machine keeps. Without the answers of relays, which
// are asked for anew.
var parts = [...]string{"acme", "certificates", "crl", "ocsp", "pending", "pki", "quarantine"}

// ErrInUse: an import is refused, as the storage is not empty.
var ErrInUse = errors.New("the shared storage is in use already, and nothing is imported: import into an empty one, before the first dwaar is started with it, or give it another key_prefix")

// ErrNothing: there is nothing to import.
var ErrNothing = errors.New("there is nothing that dwaar has stored: give the data directory of a dwaar, or what its `storage file_system` names")

// Import stores everything that from has in an empty storage, such as Direct
// returns, with its times. It changes nothing in from. What an Import that was
// interrupted has stored stays: another one goes on.
func Import(ctx context.Context, to, from storage.Storage, progress func(done, of int)) (imported int, err error) {
	keys, err := toImport(ctx, from)
	if err != nil {
		return 0, err
	}
	if ours, err := to.TryLock(ctx, importing); err != nil {
		return 0, err
	} else if !ours {
		return 0, errors.New("somebody else is importing into the shared storage, or has just been killed doing so: try again in 15 seconds")
	}
	defer func() { err = errors.Join(err, to.Unlock(context.WithoutCancel(ctx), importing)) }()
	ctx = storage.Under(ctx, importing)
	if err := beginImport(ctx, to); err != nil {
		return 0, err
	}
	for i, key := range keys {
		stored, err := importOne(ctx, to, from, key)
		if err != nil {
			return imported, fmt.Errorf("after %d of %d values: %w; the import goes on where it was when it is called again", i, len(keys), err)
		}
		if stored {
			imported++
		}
		progress(i+1, len(keys))
	}
	return imported, to.Delete(ctx, importing)
}

// toImport are the keys of the parts.
func toImport(ctx context.Context, from storage.Storage) (keys []string, err error) {
	for _, part := range parts {
		found, err := from.List(ctx, part, true)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		keys = append(keys, found...)
	}
	if len(keys) == 0 {
		return nil, ErrNothing
	}
	return keys, nil
}

// beginImport sees to it that the storage is empty, or holds what was begun, and
// that nodes with another key do not begin.
func beginImport(ctx context.Context, to storage.Storage) error {
	there, err := to.List(ctx, "", false)
	if err != nil {
		return err
	}
	begun, err := to.Exists(ctx, importing)
	if err != nil {
		return err
	}
	if len(there) > 0 && !begun {
		return fmt.Errorf("%w (it has %s)", ErrInUse, strings.Join(there[:min(len(there), 8)], ", "))
	}
	if !begun {
		if err := to.Store(ctx, importing, []byte("`dwaar storage import` has not come to its end: call it again.\n")); err != nil {
			return err
		}
	}
	_, err = to.Load(ctx, keyCheck)
	if errors.Is(err, fs.ErrNotExist) {
		err = to.Store(ctx, keyCheck, []byte(keyCheckText))
	}
	return err
}

// importOne reports whether it has stored a key, which was not there.
func importOne(ctx context.Context, to, from storage.Storage, key string) (bool, error) {
	there, err := to.Exists(ctx, key)
	if err != nil || there {
		return false, err
	}
	info, err := from.Stat(ctx, key)
	if err != nil {
		return false, err
	}
	value, err := from.Load(ctx, key)
	if err != nil {
		return false, err
	}
	return true, to.Store(storage.ModifiedAt(ctx, info.Modified), key, value)
}
