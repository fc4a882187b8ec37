package storagetest

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dwaar/tlsstore/storage"
)

// lockWait bounds how long a test waits for a lock that must come.
const lockWait = time.Minute

func locks(t *testing.T, b Backend) {
	t.Run("OneHolderAtATime", func(t *testing.T) {
		s, again := b.Open(t)
		store(t, s, "n", []byte("0"))
		var holders atomic.Int32
		var workers sync.WaitGroup
		for i := range 6 {
			handle := s
			if i%2 == 1 {
				handle = again()
			}
			workers.Go(func() {
				for range 5 {
					lock(t, handle, "counter")
					if n := holders.Add(1); n != 1 {
						t.Errorf("%d holders", n)
					}
					n, err := strconv.Atoi(string(load(t, handle, "n")))
					if err != nil {
						t.Error(err)
					}
					store(t, handle, "n", []byte(strconv.Itoa(n+1)))
					holders.Add(-1)
					unlock(t, handle, "counter")
				}
			})
		}
		workers.Wait()
		if got := string(load(t, s, "n")); got != "30" {
			t.Errorf("counted to %s, want 30", got)
		}
	})

	t.Run("TryLockDoesNotWait", func(t *testing.T) {
		s, again := b.Open(t)
		other := again()
		lock(t, s, "a/b*")
		for _, handle := range []storage.Storage{s, other} {
			if ok, err := handle.TryLock(t.Context(), "a/b*"); ok || err != nil {
				t.Errorf("TryLock of a held lock = %v, %v", ok, err)
			}
		}
		if ok, err := other.TryLock(t.Context(), "a/b"); !ok || err != nil {
			t.Errorf("TryLock of another name = %v, %v", ok, err)
		}
		unlock(t, s, "a/b*")
		if ok, err := other.TryLock(t.Context(), "a/b*"); !ok || err != nil {
			t.Errorf("TryLock of a free lock = %v, %v", ok, err)
		}
	})

	t.Run("LockGivesUpWithItsContext", func(t *testing.T) {
		s, again := b.Open(t)
		lock(t, s, "held")
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		defer cancel()
		if err := again().Lock(ctx, "held"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Lock = %v, want context.DeadlineExceeded", err)
		}
	})

	t.Run("LockGivesUpWhenItsContextIsCancelled", func(t *testing.T) {
		s, again := b.Open(t)
		lock(t, s, "held")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- again().Lock(ctx, "held") }()
		time.Sleep(20 * time.Millisecond) // it waits by then, or finds ctx done: the same
		cancel()
		select {
		case err := <-done:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("Lock = %v, want context.Canceled", err)
			}
		case <-time.After(lockWait):
			t.Fatal("Lock waits on")
		}
		unlock(t, s, "held")
		lock(t, s, "held") // nobody has taken it for the one who gave up
	})

	t.Run("OneOfManyGetsTheLock", func(t *testing.T) {
		s, again := b.Open(t)
		var won atomic.Int32
		var tries sync.WaitGroup
		for i := range 16 {
			handle := s
			if i%2 == 1 {
				handle = again()
			}
			tries.Go(func() {
				if ok, err := handle.TryLock(t.Context(), "one"); err != nil {
					t.Error(err)
				} else if ok {
					won.Add(1)
				}
			})
		}
		tries.Wait()
		if won.Load() != 1 {
			t.Errorf("%d have the lock", won.Load())
		}
	})

	t.Run("ALivingHolderKeepsItsLock", func(t *testing.T) {
		s, again := b.Open(t)
		other := again()
		lock(t, s, "long")
		for end := time.Now().Add(3 * b.Lease); time.Now().Before(end); time.Sleep(b.Lease / 10) {
			if ok, err := other.TryLock(t.Context(), "long"); ok || err != nil {
				t.Fatalf("TryLock of a lock whose holder lives = %v, %v", ok, err)
			}
		}
		if err := s.Store(storage.Under(t.Context(), "long"), "done", nil); err != nil {
			t.Errorf("Store under the lock = %v", err)
		}
		unlock(t, s, "long")
		lock(t, other, "long") // at once
	})

	t.Run("OnlyTheHolderUnlocks", func(t *testing.T) {
		s, again := b.Open(t)
		lock(t, s, "mine")
		if err := again().Unlock(t.Context(), "mine"); !errors.Is(err, storage.ErrNotLocked) {
			t.Errorf("Unlock by another handle = %v, want ErrNotLocked", err)
		}
		done, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Unlock(done, "mine"); err != nil {
			t.Errorf("Unlock during a shutdown = %v", err)
		}
		if err := s.Unlock(t.Context(), "mine"); !errors.Is(err, storage.ErrNotLocked) {
			t.Errorf("second Unlock = %v, want ErrNotLocked", err)
		}
	})

	t.Run("UnderALockThatIsNotOursNothingChanges", func(t *testing.T) {
		s, again := b.Open(t)
		store(t, s, "kept", []byte("old"))
		lock(t, s, "outer")
		lock(t, s, "inner")
		under := storage.Under(storage.Under(t.Context(), "outer"), "inner")
		for _, handle := range []storage.Storage{again(), s} {
			ours := handle == s
			if err := handle.Store(context.WithoutCancel(under), "written", []byte("x")); errors.Is(err, storage.ErrNotLocked) == ours {
				t.Errorf("Store, the locks being ours: %v: %v", ours, err)
			}
			if err := handle.Delete(under, "written"); errors.Is(err, storage.ErrNotLocked) == ours {
				t.Errorf("Delete, the locks being ours: %v: %v", ours, err)
			}
		}
		unlock(t, s, "outer") // the inner one alone is not enough
		if err := s.Store(under, "kept", []byte("new")); !errors.Is(err, storage.ErrNotLocked) {
			t.Errorf("Store after the outer lock was lost = %v", err)
		}
		if err := s.Delete(under, "kept"); !errors.Is(err, storage.ErrNotLocked) {
			t.Errorf("Delete after the outer lock was lost = %v", err)
		}
		if got := string(load(t, s, "kept")); got != "old" {
			t.Errorf("value = %q", got)
		}
	})

	t.Run("LocksAreNoKeys", func(t *testing.T) {
		s, _ := b.Open(t)
		lock(t, s, "issue_cert_example.com")
		if got, err := s.List(t.Context(), "", true); err != nil || len(got) != 0 {
			t.Errorf("List = %q, %v", got, err)
		}
	})

	t.Run("ADeadHoldersLockBecomesFree", func(t *testing.T) {
		s, _ := b.Open(t)
		b.DieHolding(t, "orphan")
		lock(t, s, "orphan")
		unlock(t, s, "orphan")
	})
}

func lock(t *testing.T, s storage.Storage, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), lockWait)
	defer cancel()
	if err := s.Lock(ctx, name); err != nil {
		t.Errorf("Lock(%q) = %v", name, err)
	}
}

func unlock(t *testing.T, s storage.Storage, name string) {
	t.Helper()
	if err := s.Unlock(t.Context(), name); err != nil {
		t.Errorf("Unlock(%q) = %v", name, err)
	}
}
