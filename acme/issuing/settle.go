package issuing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
)

// Settle ends what processes that were killed have left half done: every certificate that is
// pending comes into its files, or goes if it is in quarantine, and places that were reserved
// are given up. Call it at the start, before anything is loaded: Load would find the right pair
// anyway, but whoever reads the files would not. What cannot be settled is logged and left to
// the next order of its name, and what another process is about, to that. Settle fails only if
// ctx ends.
func (i *Issuing) Settle(ctx context.Context) error {
	places, err := i.storage.List(ctx, pendingDir, true)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		i.log.Warn("looking for what was interrupted", "err", err)
	}
	for _, place := range places {
		if err := i.settlePlace(ctx, place); err != nil && ctx.Err() == nil {
			i.log.Warn("finishing what was interrupted", "path", place, "err", err)
		}
	}
	return ctx.Err()
}

func (i *Issuing) settlePlace(ctx context.Context, place string) error {
	text, err := i.storage.Load(ctx, place)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // somebody else was faster
	}
	if err != nil {
		return err
	}
	var whole pending
	if err := json.Unmarshal(text, &whole); err != nil {
		return err
	}
	issuer := path.Base(path.Dir(place))
	if place != pendingKey(issuer, whole.Name) {
		return fmt.Errorf("it is for %q", whole.Name)
	}
	return i.ifNotIssuing(ctx, whole.Name, func(ctx context.Context) error {
		return i.settlePending(ctx, issuer, whole.Name)
	})
}

// settle ends what a process that was killed has left half done, for every issuer of a
// policy: certificates that were pending, and quarantines. It is called under the lock of the
// order, and what it cannot do now is tried again at the next one.
func (i *Issuing) settle(ctx context.Context, p Policy, name string) {
	for _, c := range p.Issuers {
		err := errors.Join(i.settlePending(ctx, c.key(), name), i.settleQuarantine(ctx, c.key(), name))
		if err != nil {
			i.log.Warn("finishing what was interrupted", "names", name, "issuer", c.key(), "err", err)
		}
	}
}

func (i *Issuing) settlePending(ctx context.Context, issuer, name string) error {
	there, err := i.storage.Exists(ctx, pendingKey(issuer, name))
	if err != nil || !there {
		return err
	}
	cert, err := i.loadPending(ctx, issuer, name)
	if errors.Is(err, fs.ErrNotExist) {
		return i.storage.Delete(ctx, pendingKey(issuer, name))
	}
	if err != nil {
		return err
	}
	out, err := i.isQuarantined(ctx, issuer, cert.Leaf)
	switch {
	case err != nil:
		return err
	case out:
		return i.evict(ctx, issuer, name, cert.Leaf)
	}
	return i.unpack(ctx, cert, cert.meta)
}
