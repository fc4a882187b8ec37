package issuing

import (
	"context"

	"github.com/caddyserver/certmagic"

	"dwaar/tlsstore/storage"
)

// adaptor is a storage as certmagic wants it for one CA. Leases are not renewed: our locks are
// free the moment their holder dies, and not before.
//
// The only lock that certmagic takes by itself is the one of registering an account. It is
// named by the e-mail alone, so a CA that hangs would keep us from registering at any other.
type adaptor struct {
	storage.Storage
	ca string // in the names of locks
}

var (
	_ certmagic.Storage   = adaptor{}
	_ certmagic.TryLocker = adaptor{}
)

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
	return a.Storage.Lock(ctx, a.lock(name))
}

// TryLock implements certmagic.TryLocker.
func (a adaptor) TryLock(ctx context.Context, name string) (bool, error) {
	return a.Storage.TryLock(ctx, a.lock(name))
}

// Unlock implements certmagic.Locker. An order whose time was up gives its locks back too.
func (a adaptor) Unlock(ctx context.Context, name string) error {
	return a.Storage.Unlock(context.WithoutCancel(ctx), a.lock(name))
}

func (a adaptor) lock(name string) string { return name + "_" + a.ca }
