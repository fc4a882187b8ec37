package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"testing"
	"time"

	"dwaar/tlsstore/storage"
)

func values(t *testing.T, b Backend) {
	t.Run("AValueComesBackAsItWasStoredInEveryHandle", func(t *testing.T) {
		s, again := b.Open(t)
		for _, value := range [][]byte{{}, []byte("x"), {0, 255, '\n', 0}, bytes.Repeat([]byte("large "), 1<<20)} {
			store(t, s, "a/value", value)
			for _, handle := range []storage.Storage{s, again()} {
				if got := load(t, handle, "a/value"); !bytes.Equal(got, value) {
					t.Errorf("stored %d bytes, loaded %d other ones", len(value), len(got))
				}
			}
		}
	})

	t.Run("AValueOverTheLimitIsRefused", func(t *testing.T) {
		s, _ := b.Open(t)
		if err := s.Store(t.Context(), "big", make([]byte, storage.MaxValue+1)); err == nil {
			t.Error("a value over MaxValue was stored")
		}
		if exists(t, s, "big") {
			t.Error("a refused value exists")
		}
	})

	t.Run("ALargeValueIsKept", func(t *testing.T) {
		s, again := b.Open(t)
		value := bytes.Repeat([]byte("large\x00\r\n"), storage.MaxValue/16) // what seals it adds some bytes
		store(t, s, "big", value)
		if got := load(t, again(), "big"); !bytes.Equal(got, value) {
			t.Errorf("stored %d bytes, loaded %d other ones", len(value), len(got))
		}
	})

	t.Run("AMissingKeyIsErrNotExistButDeletesWithoutError", func(t *testing.T) {
		s, _ := b.Open(t)
		store(t, s, "a", []byte("a key, so that a/b goes through one"))
		for _, key := range []string{"missing", "missing/deep", "a/b"} {
			if _, err := s.Load(t.Context(), key); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("Load(%q) = %v, want fs.ErrNotExist", key, err)
			}
			if _, err := s.Stat(t.Context(), key); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("Stat(%q) = %v, want fs.ErrNotExist", key, err)
			}
			if exists(t, s, key) {
				t.Errorf("Exists(%q)", key)
			}
			if err := s.Delete(t.Context(), key); err != nil {
				t.Errorf("Delete(%q) = %v, want nil", key, err)
			}
		}
		if string(load(t, s, "a"))[:5] != "a key" {
			t.Error("deleting a/b touched a")
		}
	})

	t.Run("DeleteTakesThePrefixByComponent", func(t *testing.T) {
		s, again := b.Open(t)
		for _, key := range []string{"p/a", "p/b/c", "p2/a", "q"} {
			store(t, s, key, []byte(key))
		}
		for _, key := range []string{"p", "q"} {
			if err := s.Delete(t.Context(), key); err != nil {
				t.Fatalf("Delete(%q) = %v", key, err)
			}
		}
		got, err := again().List(t.Context(), "", true)
		if want := []string{"p2/a"}; err != nil || !slices.Equal(got, want) {
			t.Errorf("after deletes: %q, %v; want %q", got, err, want)
		}
	})

	t.Run("NothingIsAKeyAndAPrefix", func(t *testing.T) {
		s, again := b.Open(t)
		store(t, s, "a", []byte("key"))
		store(t, s, "p/q/r", []byte("below"))
		for _, key := range []string{"a/b", "a/b/c", "p", "p/q"} {
			if err := s.Store(t.Context(), key, nil); err == nil || errors.Is(err, storage.ErrUnavailable) {
				t.Errorf("Store(%q) = %v, want a refusal", key, err)
			}
		}
		for gone, key := range map[string]string{"a": "a/b/c", "p/q/r": "p"} {
			if err := again().Delete(t.Context(), gone); err != nil {
				t.Error(err)
			}
			store(t, s, key, []byte("new"))
		}
		got, err := s.List(t.Context(), "", true)
		if want := []string{"a/b/c", "p"}; err != nil || !slices.Equal(got, want) {
			t.Errorf("List = %q, %v; want %q", got, err, want)
		}
	})

	t.Run("ConcurrentStoresAreAllThere", func(t *testing.T) {
		s, again := b.Open(t)
		var writers sync.WaitGroup
		for i := range 8 {
			handle := again()
			writers.Go(func() {
				for j := range 5 {
					store(t, handle, fmt.Sprintf("shared/%d/%d", j, i), []byte{byte(i), byte(j)})
					if err := handle.Delete(t.Context(), fmt.Sprintf("shared/%d/%d", j-1, i)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		writers.Wait()
		got, err := s.List(t.Context(), "shared", true)
		if err != nil || len(got) != 8 {
			t.Errorf("List = %q, %v; want what each has stored last", got, err)
		}
		for _, key := range got {
			if value := load(t, s, key); len(value) != 2 || value[1] != 4 {
				t.Errorf("%s = %v", key, value)
			}
		}
	})

	t.Run("StatTellsKeysFromPrefixes", func(t *testing.T) {
		s, _ := b.Open(t)
		store(t, s, "p/key", []byte("12345"))
		info, err := s.Stat(t.Context(), "p/key")
		if err != nil || info.Key != "p/key" || info.Size != 5 || info.Prefix {
			t.Errorf("Stat(p/key) = %+v, %v", info, err)
		}
		if age := time.Since(info.Modified); age < -time.Minute || age > time.Minute {
			t.Errorf("modified %v ago", age)
		}
		info, err = s.Stat(t.Context(), "p")
		if want := (storage.KeyInfo{Key: "p", Prefix: true}); err != nil || info != want {
			t.Errorf("Stat(p) = %+v, %v; want %+v", info, err, want)
		}
		if !exists(t, s, "p") {
			t.Error("Exists(p) = false for a prefix")
		}
		if _, err := s.Load(t.Context(), "p"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Load of a prefix = %v, want fs.ErrNotExist", err)
		}
	})

	t.Run("ACopyIsAsOldAsWhatItIsACopyOf", func(t *testing.T) {
		s, again := b.Open(t)
		then := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
		if err := s.Store(storage.ModifiedAt(t.Context(), then), "copy", []byte("v")); err != nil {
			t.Fatal(err)
		}
		if info, err := again().Stat(t.Context(), "copy"); err != nil || !info.Modified.Equal(then) {
			t.Errorf("modified at %v, %v; want %v", info.Modified, err, then)
		}
	})

	t.Run("ConcurrentStoresLeaveOneWholeValue", func(t *testing.T) {
		s, again := b.Open(t)
		store(t, s, "contended", bytes.Repeat([]byte{'0'}, 1<<16))
		var writers sync.WaitGroup
		for i := range 8 {
			handle := again()
			writers.Go(func() {
				for range 5 {
					store(t, handle, "contended", bytes.Repeat([]byte{byte('0' + i)}, 1<<16))
				}
			})
		}
		for range 50 {
			if err := whole(load(t, s, "contended")); err != nil {
				t.Error(err)
			}
		}
		writers.Wait()
	})

	t.Run("ADoneContextEndsEveryCall", func(t *testing.T) {
		s, _ := b.Open(t)
		store(t, s, "key", []byte("old"))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		calls := map[string]error{"Store": s.Store(ctx, "key", []byte("new")), "Delete": s.Delete(ctx, "key"), "Lock": s.Lock(ctx, "l")}
		_, calls["Load"] = s.Load(ctx, "key")
		_, calls["Exists"] = s.Exists(ctx, "key")
		_, calls["Stat"] = s.Stat(ctx, "key")
		_, calls["List"] = s.List(ctx, "", true)
		_, calls["TryLock"] = s.TryLock(ctx, "l")
		for call, err := range calls {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s under a cancelled context = %v, want context.Canceled", call, err)
			}
		}
		if got := load(t, s, "key"); string(got) != "old" {
			t.Errorf("value = %q after cancelled calls", got)
		}
	})
}

// whole returns an error for a value that mixes two writers' bytes.
func whole(value []byte) error {
	if len(value) != 1<<16 || len(bytes.Trim(value, string(value[:1]))) != 0 {
		return fmt.Errorf("read a torn value of %d bytes", len(value))
	}
	return nil
}

func store(t *testing.T, s storage.Storage, key string, value []byte) {
	t.Helper()
	if err := s.Store(t.Context(), key, value); err != nil {
		t.Errorf("Store(%q) = %v", key, err)
	}
}

func load(t *testing.T, s storage.Storage, key string) []byte {
	t.Helper()
	value, err := s.Load(t.Context(), key)
	if err != nil {
		t.Errorf("Load(%q) = %v", key, err)
	}
	return value
}

func exists(t *testing.T, s storage.Storage, key string) bool {
	t.Helper()
	ok, err := s.Exists(t.Context(), key)
	if err != nil {
		t.Errorf("Exists(%q) = %v", key, err)
	}
	return ok
}
