package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
)

// ErrReplaced is returned by Store under Replacing: somebody has stored or deleted the value since
// it was read.
var ErrReplaced = errors.New("the value is not the one that was read any more")

// replacingKey is the key of a context's value to be replaced.
type replacingKey struct{}

// Replacing returns a context under which Store changes nothing, and fails with ErrReplaced, unless
// the value under its key is still old. So whoever stores again what it has read does not overwrite
// what somebody has stored meanwhile, and brings nothing back that was deleted.
//
// The value is compared together with the change, except by FileSystem, which compares just before
// it: to have it exact there, work under a lock.
func Replacing(ctx context.Context, old []byte) context.Context {
	return context.WithValue(ctx, replacingKey{}, &old)
}

// Replaced is the value that Store is to replace under ctx, if it must be that one. It is for
// backends.
func Replaced(ctx context.Context) (old []byte, only bool) {
	if p, ok := ctx.Value(replacingKey{}).(*[]byte); ok && p != nil {
		return *p, true
	}
	return nil, false
}

// CheckReplaced returns ErrReplaced if ctx is for another value than the one that load returns,
// or for one where there is none. It is for backends that can do no better.
func CheckReplaced(ctx context.Context, load func() ([]byte, error)) error {
	old, only := Replaced(ctx)
	if !only {
		return nil
	}
	now, err := load()
	if errors.Is(err, fs.ErrNotExist) || err == nil && !bytes.Equal(now, old) {
		return ErrReplaced
	}
	if err != nil {
		return fmt.Errorf("comparing what it is to replace: %w", err)
	}
	return nil
}
