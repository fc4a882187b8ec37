package issuing

import (
	"context"

	"dwaar/tlsstore/storage"
)

// Lock waits until a name is ours to replace, across everything on this storage. It is held
// around "compare the serial, quarantine, renew", and is another one than those calls take.
// What it protects is done under the context it returns: once the lock is lost, as after a
// sleep that was longer than its lease, that changes nothing any more, and fails with
// storage.ErrNotLocked.
func (i *Issuing) Lock(ctx context.Context, name string) (under context.Context, err error) {
	if err := i.storage.Lock(ctx, reissueLock(name)); err != nil {
		return nil, err
	}
	return storage.Under(ctx, reissueLock(name)), nil
}

// TryLock is Lock that does not wait: not ours means that somebody else is about the name.
func (i *Issuing) TryLock(ctx context.Context, name string) (under context.Context, ours bool, err error) {
	ours, err = i.storage.TryLock(ctx, reissueLock(name))
	return storage.Under(ctx, reissueLock(name)), ours, err
}

// Unlock gives the name back. It works under a context that is done.
func (i *Issuing) Unlock(ctx context.Context, name string) error {
	return i.storage.Unlock(context.WithoutCancel(ctx), reissueLock(name))
}

func reissueLock(name string) string { return "dwaar_reissue_" + name }

// whileIssuing runs f holding the lock that certmagic takes around every order, and under it.
func (i *Issuing) whileIssuing(ctx context.Context, name string, f func(under context.Context) error) error {
	if err := i.storage.Lock(ctx, issueLock(name)); err != nil {
		return err
	}
	defer i.unlockOrder(ctx, name)
	return f(storage.Under(ctx, issueLock(name)))
}

// ifNotIssuing is whileIssuing that does nothing while somebody else has the lock.
func (i *Issuing) ifNotIssuing(ctx context.Context, name string, f func(under context.Context) error) error {
	ours, err := i.storage.TryLock(ctx, issueLock(name))
	if err != nil || !ours {
		return err
	}
	defer i.unlockOrder(ctx, name)
	return f(storage.Under(ctx, issueLock(name)))
}

func (i *Issuing) unlockOrder(ctx context.Context, name string) {
	if err := i.storage.Unlock(context.WithoutCancel(ctx), issueLock(name)); err != nil {
		i.log.Warn("unlocking an order", "names", name, "err", err)
	}
}

func issueLock(name string) string { return "issue_cert_" + name }
