package issuing

import "context"

// Lock waits until a name is ours to replace, across everything on this storage. It is held
// around "compare the serial, quarantine, renew", and is another one than those calls take.
func (i *Issuing) Lock(ctx context.Context, name string) error {
	return i.storage.Lock(ctx, reissueLock(name))
}

// Unlock gives the name back. It works under a context that is done.
func (i *Issuing) Unlock(ctx context.Context, name string) error {
	return i.storage.Unlock(context.WithoutCancel(ctx), reissueLock(name))
}

func reissueLock(name string) string { return "dwaar_reissue_" + name }

// whileIssuing runs f holding the lock that certmagic takes around every order.
func (i *Issuing) whileIssuing(ctx context.Context, name string, f func() error) error {
	if err := i.storage.Lock(ctx, issueLock(name)); err != nil {
		return err
	}
	defer i.unlockOrder(ctx, name)
	return f()
}

// ifNotIssuing is whileIssuing that does nothing while somebody else has the lock.
func (i *Issuing) ifNotIssuing(ctx context.Context, name string, f func() error) error {
	ours, err := i.storage.TryLock(ctx, issueLock(name))
	if err != nil || !ours {
		return err
	}
	defer i.unlockOrder(ctx, name)
	return f()
}

func (i *Issuing) unlockOrder(ctx context.Context, name string) {
	if err := i.storage.Unlock(context.WithoutCancel(ctx), issueLock(name)); err != nil {
		i.log.Warn("unlocking an order", "names", name, "err", err)
	}
}

func issueLock(name string) string { return "issue_cert_" + name }
