package storagetest

import (
	"context"
	"errors"
	"io/fs"
	"testing"

	"dwaar/tlsstore/storage"
)

func replacing(t *testing.T, b Backend) {
	t.Run("OnlyWhatWasReadIsReplaced", func(t *testing.T) {
		s, again := b.Open(t)
		for _, c := range []struct{ now, read string }{{"theirs", "read"}, {"", "read"}, {"theirs", ""}} {
			store(t, s, "a/key", []byte(c.now))
			ctx := context.WithoutCancel(storage.Replacing(t.Context(), []byte(c.read)))
			if err := again().Store(ctx, "a/key", []byte("again")); !errors.Is(err, storage.ErrReplaced) || errors.Is(err, storage.ErrUnavailable) {
				t.Errorf("Store of what was read as %q and is %q: %v, want ErrReplaced", c.read, c.now, err)
			}
			if got := string(load(t, s, "a/key")); got != c.now {
				t.Errorf("%q was overwritten with %q", c.now, got)
			}
		}
		store(t, s, "a/key", nil)
		for _, now := range []string{"", "one", "two"} {
			if err := again().Store(storage.Replacing(t.Context(), []byte(now)), "a//key", []byte(now+"+")); err != nil {
				t.Errorf("Store of what was read, and is, %q: %v", now, err)
			}
			if got := string(load(t, s, "a/key")); got != now+"+" {
				t.Errorf("%q became %q", now, got)
			}
			store(t, s, "a/key", []byte(map[string]string{"": "one", "one": "two"}[now]))
		}
	})

	t.Run("WhatIsGoneIsNotBroughtBack", func(t *testing.T) {
		s, _ := b.Open(t)
		store(t, s, "a/b/key", []byte("x"))
		for _, key := range []string{"gone", "a/b", "a/b/gone"} {
			for _, read := range [][]byte{nil, {}, []byte("read")} {
				if err := s.Store(storage.Replacing(t.Context(), read), key, []byte("again")); err == nil || errors.Is(err, storage.ErrUnavailable) {
					t.Errorf("Store of what was read and is gone under %s: %v, want ErrReplaced", key, err)
				}
			}
			if value, err := s.Load(t.Context(), key); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s is %q, %v", key, value, err)
			}
		}
	})

	t.Run("ReplacingIsDoneUnderLocksToo", func(t *testing.T) {
		s, again := b.Open(t)
		store(t, s, "key", []byte("read"))
		ctx := storage.Replacing(storage.Under(t.Context(), "lock"), []byte("read"))
		lock(t, s, "lock")
		if err := again().Store(ctx, "key", []byte("x")); !errors.Is(err, storage.ErrNotLocked) {
			t.Errorf("Store under the lock of another handle: %v, want ErrNotLocked", err)
		}
		if err := s.Store(ctx, "key", []byte("again")); err != nil {
			t.Error(err)
		}
		if err := s.Store(ctx, "key", []byte("once more")); !errors.Is(err, storage.ErrReplaced) {
			t.Errorf("Store of what was replaced: %v, want ErrReplaced", err)
		}
		unlock(t, s, "lock")
	})
}
