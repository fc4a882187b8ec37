package issuing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"dwaar/tlsstore/storage"
)

// dealings are what certmagic has to do with storage during one order. It hands neither on
// itself: of errors it keeps the text alone, and its locks leave the context as it was.
type dealings struct {
	mu    sync.Mutex
	locks []string // that certmagic holds
	err   error    // the first one that is the storage's fault, or says that a lock was lost
}

type dealingsKey struct{}

// withDealings returns the context of an order.
func withDealings(ctx context.Context) (context.Context, *dealings) {
	d := &dealings{}
	return context.WithValue(ctx, dealingsKey{}, d), d
}

func dealingsOf(ctx context.Context) *dealings {
	if d, ok := ctx.Value(dealingsKey{}).(*dealings); ok {
		return d
	}
	return &dealings{} // of nobody's order
}

// underAll is ctx under the locks that certmagic holds for the order.
func underAll(ctx context.Context) context.Context {
	d := dealingsOf(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, name := range d.locks {
		ctx = storage.Under(ctx, name)
	}
	return ctx
}

func noteLock(ctx context.Context, name string) {
	d := dealingsOf(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.locks = append(d.locks, name)
}

func noteUnlock(ctx context.Context, name string) {
	d := dealingsOf(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.locks = slices.DeleteFunc(d.locks, func(held string) bool { return held == name })
}

// noteTrouble returns err.
func noteTrouble(ctx context.Context, err error) error {
	if isTrouble(err) {
		d := dealingsOf(ctx)
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.err == nil {
			d.err = err
		}
	}
	return err
}

// isTrouble reports whether an error is neither the CA's nor about a key.
func isTrouble(err error) bool {
	return errors.Is(err, storage.ErrUnavailable) || errors.Is(err, storage.ErrNotLocked)
}

// explain puts the storage's trouble into the chain of an order's error.
func (d *dealings) explain(err error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil || d.err == nil {
		return err
	}
	return fmt.Errorf("%w: %w", d.err, err)
}
