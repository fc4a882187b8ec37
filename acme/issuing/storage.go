package issuing

import (
	"context"

	"github.com/caddyserver/certmagic"

	"dwaar/tlsstore/storage"
)

// adaptor is a storage as certmagic wants it. Leases are not renewed: our locks are free the
// moment their holder dies, and not before.
type adaptor struct{ storage.Storage }

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

// Unlock implements certmagic.Locker. An order whose time was up gives its locks back too.
func (a adaptor) Unlock(ctx context.Context, name string) error {
	return a.Storage.Unlock(context.WithoutCancel(ctx), name)
}
