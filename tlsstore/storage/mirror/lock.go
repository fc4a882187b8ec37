package mirror

import (
	"context"
	"fmt"

	"dwaar/tlsstore/storage"
)

// errGone is why a waiting for a lock ends when the shared storage goes down.
var errGone = fmt.Errorf("%w: it went down", storage.ErrUnavailable)

// Lock implements storage.Locker. Locks are the shared storage's: while it is down there are none.
func (m *Mirror) Lock(ctx context.Context, name string) error {
	lost, err := m.reached()
	if err != nil {
		return fmt.Errorf("locking %s: %w", name, err)
	}
	waiting, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	go func() {
		select {
		case <-lost:
			stop(errGone)
		case <-waiting.Done():
		}
	}()
	err = m.shared.Lock(waiting, name)
	if err != nil && ctx.Err() == nil && context.Cause(waiting) == errGone {
		return fmt.Errorf("locking %s: %w", name, errGone)
	}
	return m.judge(ctx, err)
}

// TryLock implements storage.Locker.
func (m *Mirror) TryLock(ctx context.Context, name string) (ours bool, err error) {
	if _, err := m.reached(); err != nil {
		return false, fmt.Errorf("locking %s: %w", name, err)
	}
	err = m.try(ctx, callWait, func(ctx context.Context) (err error) {
		ours, err = m.shared.TryLock(ctx, name)
		return err
	})
	return ours, err
}

// Unlock implements storage.Locker. The shared storage is told also while it is down: it may not
// be, and its handle has to stop renewing the lease.
func (m *Mirror) Unlock(ctx context.Context, name string) error {
	return m.try(context.WithoutCancel(ctx), callWait, func(ctx context.Context) error { return m.shared.Unlock(ctx, name) })
}
