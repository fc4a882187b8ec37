package sealed

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"dwaar/tlsstore/storage"
)

// ErrNoKey: the value is encrypted, and there is no key at all.
var ErrNoKey = errors.New("the stored value is encrypted, and there is no key to open it with: give the key that the other nodes have")

// Unkeyed is s for who has no key. A value that somebody with a key has stored is ErrNoKey: what
// cannot be read must not be taken for damaged, and replaced.
func Unkeyed(s storage.Storage) storage.Storage { return unkeyed{s} }

type unkeyed struct{ storage.Storage }

// Load implements storage.Storage.
func (u unkeyed) Load(ctx context.Context, key string) ([]byte, error) {
	text, err := u.Storage.Load(ctx, key)
	if err == nil && bytes.HasPrefix(text, []byte(magic)) {
		return nil, fmt.Errorf("loading %s: %w", key, ErrNoKey)
	}
	return text, err
}
