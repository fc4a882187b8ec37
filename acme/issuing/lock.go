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
	lock := "issue_cert_" + name
	if err := i.storage.Lock(ctx, lock); err != nil {
		return err
	}
	defer func() {
		if err := i.storage.Unlock(context.WithoutCancel(ctx), lock); err != nil {
			i.log.Warn("unlocking an order", "names", name, "err", err)
		}
	}()
	return f()
}
