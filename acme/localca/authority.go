package localca

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"dwaar/tlsstore/storage"
)

// authority is what signs: a root and an intermediate that belong together.
type authority struct {
	root, intermediate pair
}

// lockName is held by whoever makes or renews a part of the CA.
const lockName = "local_ca"

// authority returns the CA, made or renewed as needed. What is in order is read without a
// lock: a pair that is just being written does not match, or is not there yet.
func (ca *CA) authority(ctx context.Context) (a authority, err error) {
	if a, err = ca.find(ctx); err == nil {
		return a, nil
	}
	if err := ca.storage.Lock(ctx, lockName); err != nil {
		return authority{}, fmt.Errorf("local CA: %w", err)
	}
	defer func() { err = errors.Join(err, ca.storage.Unlock(context.WithoutCancel(ctx), lockName)) }()
	ctx = storage.Under(ctx, lockName)
	if a.root, err = ca.ensureRoot(ctx); err != nil {
		return authority{}, fmt.Errorf("local CA: %w", err)
	}
	if a.intermediate, err = ca.ensureIntermediate(ctx, a.root); err != nil {
		return authority{}, fmt.Errorf("local CA: %w", err)
	}
	return a, nil
}

// find is the CA if nothing has to be done about it.
func (ca *CA) find(ctx context.Context) (a authority, err error) {
	if a.root, err = ca.load(ctx, rootName); err != nil {
		return authority{}, err
	}
	if a.intermediate, err = ca.load(ctx, intermediateName); err != nil {
		return authority{}, err
	}
	return a, errors.Join(a.root.isRoot(), a.intermediate.isIntermediateOf(a.root))
}

// ensureRoot loads the root, or makes the first one, or the next one at its end. A root that
// is damaged is never replaced: clients trust it, and only a person can decide to part
// with it. Nor is one from the future, as then the clock is wrong.
func (ca *CA) ensureRoot(ctx context.Context) (pair, error) {
	root, err := ca.load(ctx, rootName)
	if err == nil {
		err = root.isRoot()
	}
	switch {
	case err == nil:
		return root, nil
	case errors.Is(err, errEnds):
		ca.log.Warn("the local CA's root is at its end: a new one is made, which clients have to trust anew", "issuer", root.cert.Subject.CommonName)
	case errors.Is(err, errEarly):
		return pair{}, fmt.Errorf("%s%s.crt begins at %s: is the clock right?", prefix, rootName, root.cert.NotBefore.Format(time.RFC3339))
	case errors.Is(err, errDamaged):
		return pair{}, fmt.Errorf("%w; restore both from a backup, or remove both for a new CA", err)
	case !errors.Is(err, fs.ErrNotExist):
		return pair{}, err
	}
	return ca.make(ctx, rootName, RootLifetime, nil)
}

// ensureIntermediate loads the intermediate, or makes another: nobody but the leaves of the
// next hours depends on it.
func (ca *CA) ensureIntermediate(ctx context.Context, root pair) (pair, error) {
	p, err := ca.load(ctx, intermediateName)
	if err == nil {
		err = p.isIntermediateOf(root)
	}
	switch {
	case err == nil:
		return p, nil
	case errors.Is(err, errDamaged), errors.Is(err, errEarly):
		ca.log.Warn("the local CA's intermediate is made anew", "err", err)
	case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errEnds):
		return pair{}, err
	}
	return ca.make(ctx, intermediateName, IntermediateLifetime, &root)
}

func (ca *CA) make(ctx context.Context, name string, lifetime time.Duration, parent *pair) (pair, error) {
	p, err := makePair(name, lifetime, parent)
	if err == nil {
		err = ca.store(ctx, name, p)
	}
	if err != nil {
		return pair{}, fmt.Errorf("making the %s: %w", name, err)
	}
	ca.log.Info("made the local CA's "+name, "issuer", p.cert.Subject.CommonName, "not_after", p.cert.NotAfter)
	return p, nil
}

var (
	errEnds  = errors.New("at its end")
	errEarly = errors.New("not valid yet")
)

// isRoot is nil for a root that may be used now.
func (p pair) isRoot() error {
	if err := p.cert.CheckSignatureFrom(p.cert); err != nil {
		return fmt.Errorf("%s%s.crt is %w: not a root: %w", prefix, rootName, errDamaged, err)
	}
	return p.lasts(rootMargin)
}

// isIntermediateOf is nil for an intermediate that may be used now.
func (p pair) isIntermediateOf(root pair) error {
	if err := p.cert.CheckSignatureFrom(root.cert); err != nil {
		return fmt.Errorf("%s%s.crt is %w: not of this root: %w", prefix, intermediateName, errDamaged, err)
	}
	return p.lasts(intermediateMargin)
}

func (p pair) lasts(margin time.Duration) error {
	now := time.Now()
	switch {
	case now.Before(p.cert.NotBefore):
		return errEarly
	case !now.Add(margin).Before(p.cert.NotAfter):
		return errEnds
	}
	return nil
}
