package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"dwaar/tlsstore/storage"
	"dwaar/tlsstore/storage/sealed"
)

// keyCheck is the name of a value that only nodes with the right key can read.
const (
	keyCheck     = "encryption_check"
	keyCheckText = "Who can read this has the key of the other nodes.\n"
)

// keyCheckWait bounds what the check adds to a start.
const keyCheckWait = 3 * time.Second

// checkKey reports whether the other nodes encrypt as this one does; the first one
// to come decides. A node with another key, or with none, must not begin: it would
// store what the others cannot read. Where the storage is down the copy says, or
// nobody, and it is asked again when it is there: this node may have missed a change
// of the key.
func (c *Cluster) checkKey(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, keyCheckWait)
	defer cancel()
	err := c.readKeyCheck(ctx)
	if errors.Is(err, fs.ErrNotExist) || err == nil && c.rotates {
		err = c.writeKeyCheck(ctx)
	}
	if err == nil && c.mirror.Status().Up {
		c.agreed.Store(true)
	}
	return wrongKey(err, c.address) // anything else says nothing of keys, and in status
}

// wrongKey is err if that says that other nodes encrypt otherwise, or nil.
func wrongKey(err error, address string) error {
	for _, wrong := range []error{sealed.ErrKey, sealed.ErrPlain, sealed.ErrNoKey, sealed.ErrDamaged} {
		if errors.Is(err, wrong) {
			return fmt.Errorf("storage: encryption_key is not that of the other nodes at %s: %w", address, err)
		}
	}
	return nil
}

// agree checks the key until the storage has told.
func (c *Cluster) agree(ctx context.Context) error {
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for !c.agreed.Load() {
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
		}
		if !c.mirror.Status().Up {
			continue
		}
		if err := c.checkKey(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) readKeyCheck(ctx context.Context) error {
	_, err := c.Load(ctx, keyCheck)
	return err
}

// writeKeyCheck stores the value with our first key. Of two nodes that come at the
// same time one is the first.
func (c *Cluster) writeKeyCheck(ctx context.Context) error {
	if err := c.Lock(ctx, keyCheck); err != nil {
		return err
	}
	defer c.Unlock(context.WithoutCancel(ctx), keyCheck)
	if err := c.readKeyCheck(ctx); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return c.Store(storage.Under(ctx, keyCheck), keyCheck, []byte(keyCheckText))
}
