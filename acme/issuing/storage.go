package issuing

import (
	"context"
	"time"

	"github.com/caddyserver/certmagic"

	"dwaar/tlsstore/storage"
)

// adaptor is a storage as certmagic wants it for one CA. What it does within an order counts
// among the order's dealings.
//
// The only lock that certmagic takes by itself is the one of registering an account. It is
// named by the e-mail alone, so a CA that hangs would keep us from registering at any other.
type adaptor struct {
	storage.Storage
	ca string // in the names of locks
}

var (
	_ certmagic.Storage          = adaptor{}
	_ certmagic.TryLocker        = adaptor{}
	_ certmagic.LockLeaseRenewer = adaptor{}
)

// Store implements certmagic.Storage.
func (a adaptor) Store(ctx context.Context, key string, value []byte) error {
	return noteTrouble(ctx, a.Storage.Store(underAll(ctx), key, value))
}

// Load implements certmagic.Storage.
func (a adaptor) Load(ctx context.Context, key string) ([]byte, error) {
	value, err := a.Storage.Load(ctx, key)
	return value, noteTrouble(ctx, err)
}

// Delete implements certmagic.Storage.
func (a adaptor) Delete(ctx context.Context, key string) error {
	return noteTrouble(ctx, a.Storage.Delete(underAll(ctx), key))
}

// Exists implements certmagic.Storage: what cannot be seen is not there.
func (a adaptor) Exists(ctx context.Context, key string) bool {
	there, err := a.Storage.Exists(ctx, key)
	return there && err == nil
}

// Stat implements certmagic.Storage.
func (a adaptor) Stat(ctx context.Context, key string) (certmagic.KeyInfo, error) {
	info, err := a.Storage.Stat(ctx, key)
	return certmagic.KeyInfo{
		Key: info.Key, Modified: info.Modified, Size: info.Size, IsTerminal: err == nil && !info.Prefix,
	}, err
}

// Lock implements certmagic.Locker.
func (a adaptor) Lock(ctx context.Context, name string) error {
	err := noteTrouble(ctx, a.Storage.Lock(ctx, a.lock(name)))
	if err == nil {
		noteLock(ctx, a.lock(name))
	}
	return err
}

// TryLock implements certmagic.TryLocker.
func (a adaptor) TryLock(ctx context.Context, name string) (bool, error) {
	ours, err := a.Storage.TryLock(ctx, a.lock(name))
	if ours && err == nil {
		noteLock(ctx, a.lock(name))
	}
	return ours, noteTrouble(ctx, err)
}

// noSuchKey is never stored.
const noSuchKey = "acme/no_such_key"

// RenewLockLease implements certmagic.LockLeaseRenewer. Our locks are ours for as long as we
// live and reach the storage, whatever the time: leases are the storage's own business. So
// there is nothing to renew, but it is told if a lock was lost all the same: what is under it
// would change something then.
func (a adaptor) RenewLockLease(ctx context.Context, name string, _ time.Duration) error {
	return noteTrouble(ctx, a.Storage.Delete(storage.Under(ctx, a.lock(name)), noSuchKey))
}

// Unlock implements certmagic.Locker. An order whose time was up gives its locks back too.
func (a adaptor) Unlock(ctx context.Context, name string) error {
	noteUnlock(ctx, a.lock(name))
	return a.Storage.Unlock(context.WithoutCancel(ctx), a.lock(name))
}

func (a adaptor) lock(name string) string { return name + "_" + a.ca }
