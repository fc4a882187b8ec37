package mirror

import (
	"context"
	"errors"
	"io/fs"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"dwaar/tlsstore/storage"
)

// restoreLock is held by the node that puts back what the shared storage has lost.
const restoreLock = "mirror_restore"

// atOnce bounds the keys that are copied at the same time.
const atOnce = 8

// restore puts back what the shared storage has lost: what is missing there, of what is as recent
// as since. If since is not zero, what the local copy has newer, too.
func (m *Mirror) restore(ctx context.Context, since time.Time) error {
	m.log.Warn("the shared storage has lost what it had, putting back what this node has")
	keys, err := m.copy.list(ctx, "", true)
	if err != nil {
		m.failed(err)
		return nil // there is nothing to put back
	}
	restored := make(chan struct{}, len(keys))
	err = m.locked(ctx, restoreLock, func(ctx context.Context) error {
		return m.each(ctx, keys, func(ctx context.Context, name string) error {
			did, err := m.putBack(ctx, name, since)
			if did {
				restored <- struct{}{}
			}
			return err
		})
	})
	m.log.Info("put back what the shared storage had lost", "count", len(restored))
	return err
}

// each does something about every key, several at a time, until something fails that is about
// more than its key.
func (m *Mirror) each(ctx context.Context, keys []string, do func(context.Context, string) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	var failures atomic.Int32
	for _, name := range keys {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			err := m.goOn(name, do(ctx, name))
			if errors.Is(err, errLocal) && failures.Add(1) < maxFailures {
				return nil
			}
			return err
		})
	}
	return group.Wait()
}

// putBack reports whether it has put back a key.
func (m *Mirror) putBack(ctx context.Context, name string, since time.Time) (did bool, err error) {
	done, err := m.turn(ctx, name)
	if err != nil {
		return false, err
	}
	defer done()
	if m.doubts(name) {
		return false, nil
	}
	mine, err := m.copy.stat(ctx, name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && mine.Modified.Before(since) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	theirs, err := m.statShared(ctx, name)
	if err == nil && (since.IsZero() || !mine.Modified.After(theirs.Modified)) {
		return false, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	value, err := m.copy.load(ctx, name)
	if err != nil {
		return false, err
	}
	return true, m.storeShared(ctx, name, value, mine.Modified)
}

func (m *Mirror) storeShared(ctx context.Context, name string, value []byte, modified time.Time) error {
	return m.try(ctx, callWait+time.Duration(len(value))*perByte, func(ctx context.Context) error {
		return m.shared.Store(storage.ModifiedAt(ctx, modified), name, value)
	})
}
