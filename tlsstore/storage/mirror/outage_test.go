package mirror_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/tlsstore/storage"
)

const (
	staple = "ocsp/0a"
	crl    = "crl/0b"
	answer = "relay/0c"
	key    = "certificates/ca/a.example/a.example.key"
)

// patience is after how long a mirror has noticed anything.
const patience = 15 * time.Second

func TestWhileItIsDownANodeReadsAndStoresAnswersLocally(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, newMemory())
		n.start(t)
		n.put(t, key, "private")
		n.put(t, staple, "old")
		n.wantUp(t)
		n.down.Store(true)
		time.Sleep(patience)
		n.wantDown(t, "connection refused")

		calls, began := n.calls.Load(), time.Now()
		n.want(t, key, "private")
		n.want(t, staple, "old")
		n.want(t, "ocsp/none", "")
		if keys, err := n.Mirror.List(t.Context(), "", true); strings.Join(keys, " ") != key+" "+staple || err != nil {
			t.Errorf("List = %q, %v", keys, err)
		}
		for what, err := range map[string]error{
			"Lock":   n.Mirror.Lock(t.Context(), "l"),
			"Store":  n.Mirror.Store(t.Context(), key, []byte("x")),
			"Delete": n.Mirror.Delete(t.Context(), key),
			"prefix": n.Mirror.Delete(t.Context(), "ocsp"),
			"Unlock": n.Mirror.Unlock(t.Context(), "l"),
		} {
			if !errors.Is(err, storage.ErrUnavailable) {
				t.Errorf("%s = %v, want ErrUnavailable", what, err)
			}
		}
		if ours, err := n.Mirror.TryLock(t.Context(), "l"); ours || !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("TryLock = %v, %v; want ErrUnavailable", ours, err)
		}
		if waited := time.Since(began); waited != 0 || n.calls.Load() > calls+1 { // Unlock
			t.Errorf("that took %v and %d calls", waited, n.calls.Load()-calls)
		}
		n.put(t, staple, "new")
		n.put(t, crl, "list")
		n.want(t, staple, "new")
		n.want(t, key, "private")
		if owed := n.Status().Owed; owed != 2 {
			t.Errorf("owed = %d", owed)
		}
		n.wantShared(t, staple, "old")

		n.down.Store(false)
		time.Sleep(patience)
		n.wantUp(t)
		n.wantShared(t, staple, "new")
		n.wantShared(t, crl, "list")
		if down, back := n.log.count("is down, going on"), n.log.count("storage is back"); down != 1 || back != 1 {
			t.Errorf("the log has %d times down and %d times back", down, back)
		}
	})
}

func TestAStorageThatHangsCostsOneBoundedCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, newMemory())
		n.start(t)
		n.put(t, key, "private")
		n.hangs.Store(true)
		for range 3 { // at the same time
			go func() {
				began := time.Now()
				n.want(t, key, "private")
				if waited := time.Since(began); waited > 5*time.Second {
					t.Errorf("a reader has waited %v", waited)
				}
			}()
		}
		began := time.Now()
		if err := n.Mirror.Store(t.Context(), key, []byte("x")); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("Store = %v", err)
		}
		if waited := time.Since(began); waited > 6*time.Second {
			t.Errorf("a writer has waited %v", waited)
		}
		synctest.Wait()
		for range 20 { // also while Run tries again
			began := time.Now()
			n.want(t, key, "private")
			n.put(t, staple, "s")
			if waited := time.Since(began); waited > time.Millisecond {
				t.Errorf("a later caller has waited %v", waited)
			}
			time.Sleep(300 * time.Millisecond)
		}
		n.hangs.Store(false)
		time.Sleep(patience)
		n.wantUp(t)
		n.wantShared(t, staple, "s")
	})
}

// A caller with little time gets its own error, and Run finds out what it was.
func TestACallerWhoGivesUpHasRunLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, newMemory())
		n.start(t)
		n.put(t, key, "private")
		n.hangs.Store(true)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := n.Mirror.Load(ctx, key); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("Load = %v, want the caller's own", err)
		}
		time.Sleep(6 * time.Second)
		n.wantDown(t, "no answer within")
		n.want(t, key, "private")
	})
}

func TestWaitingForALockEndsWhenTheStorageGoesDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := newMemory()
		a, b := newNode(t, content), newNode(t, content)
		a.start(t)
		b.start(t)
		if err := a.Mirror.Lock(t.Context(), "l"); err != nil {
			t.Fatal(err)
		}
		over := make(chan error, 1)
		go func() { over <- b.Mirror.Lock(t.Context(), "l") }()
		time.Sleep(time.Minute)
		b.hangs.Store(true)
		select {
		case err := <-over:
			if !errors.Is(err, storage.ErrUnavailable) {
				t.Errorf("Lock = %v, want ErrUnavailable", err)
			}
		case <-time.After(patience):
			t.Error("Lock waits for a storage that hangs")
		}
		b.hangs.Store(false)
		time.Sleep(patience)
		under := storage.Under(t.Context(), "l")
		if err := b.Mirror.Store(under, key, nil); !errors.Is(err, storage.ErrNotLocked) {
			t.Errorf("Store under another's lock = %v", err)
		}
		if err := a.Mirror.Store(under, key, []byte("v")); err != nil {
			t.Errorf("Store under the own lock = %v", err)
		}
		a.wantLocal(t, key, "v")
	})
}

func TestAStorageThatComesAndGoesKeepsNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, newMemory())
		n.start(t)
		n.put(t, key, "private")
		stop := make(chan struct{})
		go func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				case <-time.After(1500 * time.Millisecond):
					n.down.Store(i%2 == 0)
				}
			}
		}()
		for i := range 400 {
			n.want(t, key, "private")
			n.put(t, staple, time.Duration(i).String())
			time.Sleep(100 * time.Millisecond)
		}
		close(stop)
		synctest.Wait()
		n.down.Store(false)
		time.Sleep(time.Minute)
		n.wantUp(t)
		n.wantShared(t, staple, time.Duration(399).String())
		if lines := n.log.count("\n"); lines > 60 {
			t.Errorf("%d lines in the log in 40 seconds", lines)
		}
	})
}

func TestAStorageThatTakesNoWritesIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, newMemory())
		n.start(t)
		n.readOnly.Store(true)
		n.put(t, staple, "new")
		n.wantDown(t, "refused")
		time.Sleep(patience)
		n.readOnly.Store(false)
		time.Sleep(time.Minute)
		n.wantUp(t)
		n.wantShared(t, staple, "new")
	})
}

func TestDownAtTheStartIsTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := newMemory()
		n := newNode(t, content)
		n.start(t)
		n.put(t, key, "private")
		n.put(t, staple, "old")
		time.Sleep(patience)
		n.down.Store(true)
		n.restart(t)
		n.wantDown(t, "connection refused")
		n.want(t, key, "private")
		n.want(t, "certificates/none", "")
		n.put(t, staple, "new")
		n.restart(t) // what is owed survives
		n.want(t, staple, "new")
		n.down.Store(false)
		time.Sleep(patience)
		n.wantUp(t)
		n.wantShared(t, staple, "new")
	})
}

// A node that has not copied everything cannot say that something is not there.
func TestACopyThatIsNotWholeCannotTell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := newMemory()
		old := newNode(t, content)
		old.start(t)
		old.put(t, key, "private")
		n := newNode(t, content)
		n.prepare(t)
		if err := n.Connect(t.Context()); err != nil {
			t.Fatal(err)
		}
		n.want(t, key, "private")
		n.down.Store(true)
		n.run(t)
		time.Sleep(patience)
		n.wantDown(t, "refused")
		n.wantUnavailable(t, key, "certificates/other")
		if keys, err := n.Mirror.List(t.Context(), "certificates", true); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("List = %q, %v", keys, err)
		}
		n.put(t, staple, "own")
		n.want(t, staple, "own")
		n.remove(t, staple)
		n.want(t, staple, "")
	})
}

// Whoever has looked while nothing was there to be read hears that there may be something now; whoever
// finds the storage at once does not look twice.
func TestTheFirstContactOfACopyThatWasReadEmptyIsNews(t *testing.T) {
	for _, down := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			content := newMemory()
			other, n := newNode(t, content), newNode(t, content)
			other.start(t)
			other.put(t, key, "private")
			n.down.Store(down)
			n.start(t)
			time.Sleep(patience)
			n.down.Store(false)
			time.Sleep(patience)
			n.want(t, key, "private")
			if heard := n.heard(); (heard == "*") != down {
				t.Errorf("OnChange has heard %q", heard)
			}
		})
	}
}
