package mirror

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"dwaar/tlsstore/storage"
)

// The local storage holds the copy, and what this package has to know after a restart. The copy
// alone, below data/, is a storage of its own.
const (
	dataDir  = "data/"
	owedDir  = "state/owed/"
	stateKey = "state/mirror.json"
)

// localCopy is the copy of the shared storage. The locks that a context is under are not its.
type localCopy struct{ storage storage.Storage }

func (c *localCopy) load(ctx context.Context, key string) ([]byte, error) {
	value, err := c.storage.Load(ctx, dataDir+key)
	return value, local(err)
}

func (c *localCopy) store(ctx context.Context, key string, value []byte, modified time.Time) error {
	return local(c.storage.Store(storage.ModifiedAt(storage.Outside(ctx), modified), dataDir+key, value))
}

// remove deletes a key, or all under it.
func (c *localCopy) remove(ctx context.Context, key string) error {
	return local(c.storage.Delete(storage.Outside(ctx), dataDir+key))
}

// removeAll deletes the copy and what is known about it.
func (c *localCopy) removeAll(ctx context.Context) error {
	ctx = storage.Outside(ctx)
	return local(errors.Join(
		c.storage.Delete(ctx, stateKey), // first: without it, the rest counts for nothing
		c.storage.Delete(ctx, owedDir),
		c.storage.Delete(ctx, dataDir),
	))
}

func (c *localCopy) stat(ctx context.Context, key string) (storage.KeyInfo, error) {
	info, err := c.storage.Stat(ctx, dataDir+key)
	info.Key = strings.TrimPrefix(info.Key, dataDir)
	return info, local(err)
}

// has reports whether there is such a key, or keys under it, as far as can be seen.
func (c *localCopy) has(ctx context.Context, key string) bool {
	_, err := c.stat(ctx, key)
	return !errors.Is(err, fs.ErrNotExist)
}

func (c *localCopy) list(ctx context.Context, prefix string, recursive bool) ([]string, error) {
	keys, err := c.listBelow(ctx, dataDir, prefix, recursive)
	if prefix == "" && errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return keys, err
}

func (c *localCopy) listBelow(ctx context.Context, dir, prefix string, recursive bool) ([]string, error) {
	keys, err := c.storage.List(ctx, dir+prefix, recursive)
	for i, key := range keys {
		keys[i] = strings.TrimPrefix(key, dir)
	}
	return keys, local(err)
}

// readState and writeState are about a value of this package's own, as JSON.

func (c *localCopy) readState(ctx context.Context, key string, into any) error {
	text, err := c.storage.Load(ctx, key)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	return local(err)
}

func (c *localCopy) writeState(ctx context.Context, key string, value any) error {
	text, err := json.Marshal(value)
	if err == nil {
		err = c.storage.Store(storage.Outside(ctx), key, text)
	}
	return local(err)
}

// errLocal is in the chain of an error of the local copy that is not about a key.
var errLocal = errors.New("the local copy")

func local(err error) error {
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fmt.Errorf("%w: %w", errLocal, err)
}
