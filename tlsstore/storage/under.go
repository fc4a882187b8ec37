package storage

import (
	"context"
	"slices"
)

// locksKey is the key of a context's locks.
type locksKey struct{}

// Under returns a context for work that is done under our lock of that name. Store and Delete
// under it, or under one made from it (also by context.WithoutCancel), change nothing unless
// the lock is still ours at that moment: they fail with ErrNotLocked. So a holder that slept
// for longer than its lease cannot overwrite what the next one has done. Locks nest.
func Under(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, locksKey{}, append(slices.Clone(Locks(ctx)), name))
}

// Locks are the names of the locks that ctx is under. They are for backends, which check them
// together with the change, not before it.
func Locks(ctx context.Context) []string {
	names, _ := ctx.Value(locksKey{}).([]string)
	return names
}
