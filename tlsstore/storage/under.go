package storage

import (
	"context"
	"slices"
	"time"
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

// Outside returns ctx without the locks it is under and the value it is to replace, for work on
// another storage, where those are not.
func Outside(ctx context.Context) context.Context {
	ctx = context.WithValue(ctx, locksKey{}, []string(nil))
	return context.WithValue(ctx, replacingKey{}, (*[]byte)(nil))
}

// modifiedKey is the key of a context's time of modification.
type modifiedKey struct{}

// ModifiedAt returns a context under which Store gives a value this time of modification and
// not that of the call: a copy is not newer than what it is a copy of.
func ModifiedAt(ctx context.Context, at time.Time) context.Context {
	return context.WithValue(ctx, modifiedKey{}, at)
}

// Modified is the time that Store gives a value under ctx: by default now. It is for backends.
func Modified(ctx context.Context) time.Time {
	if at, ok := ctx.Value(modifiedKey{}).(time.Time); ok {
		return at
	}
	return time.Now().Round(0)
}
