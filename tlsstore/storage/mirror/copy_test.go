package mirror_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/tlsstore/storage"
)

func TestOthersChangesComeAtOnceAndAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := newMemory()
		a, b := newNode(t, content), newNode(t, content)
		a.start(t)
		b.start(t)
		a.put(t, key, "private")
		a.put(t, staple, "s")
		settle(t)
		b.wantLocal(t, key, "private")
		if heard := b.heard(); heard != key+" "+staple {
			t.Errorf("the other node has heard %q", heard)
		}
		if heard := a.heard(); heard != "" {
			t.Errorf("the node itself has heard %q", heard)
		}
		b.remove(t, staple)
		settle(t)
		a.wantLocal(t, staple, "")
		if heard := a.heard(); heard != staple {
			t.Errorf("of a deletion it has heard %q", heard)
		}
		a.put(t, staple, "s2")
		b.want(t, staple, "s2") // read before the news has come
		settle(t)
		if heard := b.heard(); heard != staple {
			t.Errorf("of a change that was read first it has heard %q", heard)
		}
	})
}

func TestWithoutNewsANodeLooksEveryFewSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := newMemory()
		a, b := newNode(t, content), newNode(t, content)
		a.start(t)
		b.deaf.Store(true)
		b.start(t)
		a.put(t, staple, "s")
		time.Sleep(6 * time.Second)
		b.wantLocal(t, staple, "s")
		theirs, _ := a.Mirror.Stat(t.Context(), staple)
		mine, err := b.disk.Stat(t.Context(), "data/"+staple)
		if err != nil || !mine.Modified.Equal(theirs.Modified) || mine.Size != theirs.Size {
			t.Errorf("the copy is %+v, %v; want that of %+v", mine, err, theirs)
		}
		time.Sleep(time.Minute)
		if n := b.log.count("does not say any more when something changes"); n != 1 {
			t.Errorf("it says so %d times", n)
		}
		b.deaf.Store(false)
		time.Sleep(2 * time.Second)
		a.put(t, staple, "s2")
		settle(t)
		b.wantLocal(t, staple, "s2")
	})
}

func TestAFreshNodeCopiesEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := newMemory()
		old, fresh := newNode(t, content), newNode(t, content)
		old.start(t)
		for i := range 120 { // more than one answer of Changes
			old.put(t, fmt.Sprintf("certificates/ca/%03d", i), "private")
		}
		fresh.start(t)
		fresh.wantUp(t)
		if heard := fresh.heard(); heard != "" {
			t.Errorf("a node at its start has heard %q", heard)
		}
		old.stop()
		for i := range 120 {
			content.renew(fmt.Sprintf("certificates/ca/%03d", i), "renewed")
		}
		old.start(t) // after many changes
		old.wantUp(t)
		for _, n := range []*machine{old, fresh} {
			n.down.Store(true)
			n.want(t, "certificates/ca/119", "renewed")
		}
	})
}

// No reader gets a private key that was deleted while the storage was up, wherever.
func TestADeletedKeyIsNotInTheLocalCopyAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := newMemory()
		a, b := newNode(t, content), newNode(t, content)
		a.start(t)
		b.start(t)
		for _, k := range []string{key, "certificates/read", "certificates/p/1", "certificates/p/2"} {
			a.put(t, k, "private")
		}
		settle(t)
		a.remove(t, key)
		a.remove(t, "certificates/p")
		a.down.Store(true)
		settle(t)
		b.down.Store(true)
		for _, n := range []*machine{a, b} {
			n.want(t, key, "")
			n.want(t, "certificates/p/1", "")
			n.want(t, "certificates/p", "")
			n.wantLocal(t, "certificates/p/2", "")
			n.want(t, "certificates/read", "private")
		}
	})
}

// A node that is deaf has read that a key is gone. Going down at that moment it does not give
// out the copy.
func TestWhatWasReadIsNotContradicted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := newMemory()
		a, b := newNode(t, content), newNode(t, content)
		a.start(t)
		b.deaf.Store(true)
		b.start(t)
		a.put(t, key, "private")
		time.Sleep(patience)
		b.wantLocal(t, key, "private")
		a.remove(t, key)
		b.want(t, key, "")
		b.down.Store(true)
		if value, err := b.Mirror.Load(t.Context(), key); err == nil {
			t.Errorf("Load = %q after it was not there", value)
		}
	})
}

// Every state in which a kill can leave the two storages.
func TestAKillBetweenTheTwoStoragesIsRepairedByTheNextStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := newMemory()
		n := newNode(t, content)
		n.start(t)
		n.put(t, "certificates/stored", "before")
		n.put(t, "certificates/deleted", "before")
		time.Sleep(patience)
		n.stop()
		raw := &node{memory: content}
		if err := raw.Store(t.Context(), "certificates/stored", []byte("after")); err != nil { // and not locally
			t.Fatal(err)
		}
		if err := raw.Store(t.Context(), "certificates/new", []byte("after")); err != nil {
			t.Fatal(err)
		}
		if err := n.disk.Delete(t.Context(), "data/certificates/deleted"); err != nil { // and not there
			t.Fatal(err)
		}
		n.start(t)
		n.wantUp(t)
		n.down.Store(true)
		n.want(t, "certificates/stored", "after")
		n.want(t, "certificates/new", "after")
		n.want(t, "certificates/deleted", "before")
	})
}

func TestConcurrentChangesLeaveTheSameInBothStorages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := newMemory()
		nodes := []*machine{newNode(t, content), newNode(t, content)}
		for _, n := range nodes {
			n.start(t)
		}
		keys := []string{"p/1", "p/2", "q", "ocsp/1"}
		var writers sync.WaitGroup
		for w := range 8 {
			n := nodes[w%2]
			writers.Go(func() {
				for i := range 30 {
					k := keys[(w+i)%len(keys)]
					switch (w * i) % 7 {
					case 1:
						n.remove(t, k)
					case 2:
						n.remove(t, "p")
					case 3:
						_, _ = n.Mirror.Load(t.Context(), k)
					default:
						n.put(t, k, fmt.Sprintf("%d of %d", i, w))
					}
				}
			})
		}
		writers.Wait()
		time.Sleep(patience)
		for _, n := range nodes {
			n.wantUp(t)
			for _, k := range keys {
				n.wantLocal(t, k, content.get(k))
			}
		}
	})
}

func TestALocalDiskThatFailsMakesAWarningAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := newMemory()
		n, other := newNode(t, content), newNode(t, content)
		n.start(t)
		other.start(t)
		n.put(t, key, "before")
		n.put(t, "certificates/gone", "before")
		n.put(t, "certificates/same", "before")
		time.Sleep(patience)
		n.heard()
		n.disk.full.Store(true)
		n.put(t, key, "after")
		n.put(t, staple, "s")
		n.remove(t, "certificates/gone")
		other.put(t, "certificates/theirs", "t")
		time.Sleep(time.Minute)
		if heard := n.heard(); strings.Count(heard, "certificates/theirs") != 1 || strings.Count(heard, staple) > 1 {
			t.Errorf("OnChange has heard %q, want a change once", heard)
		}
		n.want(t, key, "after")
		n.want(t, "certificates/theirs", "t")
		n.wantShared(t, key, "after")
		if s := n.Status(); !s.Up || s.LocalError == "" || n.log.count("local copy of the shared storage is not written") != 1 {
			t.Errorf("status = %+v, with %d warnings", s, n.log.count("is not written"))
		}
		n.down.Store(true)
		n.want(t, "certificates/same", "before")
		n.wantUnavailable(t, key, staple, "certificates/gone", "certificates/theirs") // what the copy has wrong
		if err := n.Mirror.Store(t.Context(), staple, []byte("x")); !errors.Is(err, storage.ErrUnavailable) || !errors.Is(err, errFull) {
			t.Errorf("Store without any storage = %v", err)
		}
		n.disk.full.Store(false)
		n.down.Store(false)
		time.Sleep(time.Minute)
		n.wantUp(t)
		if s := n.Status(); s.LocalError != "" {
			t.Errorf("status = %+v", s)
		}
		n.restart(t)
		n.down.Store(true)
		for k, want := range map[string]string{key: "after", staple: "s", "certificates/gone": "", "certificates/theirs": "t"} {
			n.wantLocal(t, k, want)
			n.want(t, k, want)
		}
	})
}

// The local copy comes first, so it gets back what the shared storage refuses to delete.
func TestADeletionThatIsRefusedIsUndone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, newMemory())
		n.start(t)
		for i := range 9 {
			n.put(t, fmt.Sprintf("p/%d", i), "private")
		}
		time.Sleep(patience)
		if err := n.Mirror.Delete(storage.Under(t.Context(), "not ours"), "p"); !errors.Is(err, storage.ErrNotLocked) {
			t.Errorf("Delete = %v", err)
		}
		time.Sleep(patience)
		n.wantUp(t)
		for i := range 9 {
			n.wantLocal(t, fmt.Sprintf("p/%d", i), "private")
		}
	})
}

// Killed while the local disk was full, it begins where the copy was right.
func TestAfterAFullDiskTheNextStartRepairs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, newMemory())
		n.start(t)
		n.put(t, key, "before")
		time.Sleep(patience)
		n.disk.broken.Store("data/")
		n.put(t, key, "after")
		time.Sleep(patience)
		n.restart(t) // with a disk that has room
		n.wantUp(t)
		n.wantLocal(t, key, "after")
	})
}

func TestADiskThatNeverTakesAnythingDoesNotKeepTheSharedStorageBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := newMemory()
		for i := range 1000 {
			content.put(fmt.Sprintf("certificates/%d", i), []byte("v"), time.Now())
		}
		n := newNode(t, content)
		n.prepare(t)
		n.disk.full.Store(true)
		if err := n.Connect(t.Context()); err != nil {
			t.Fatal(err)
		}
		n.run(t)
		time.Sleep(time.Minute)
		before := n.calls.Load()
		time.Sleep(10 * time.Minute)
		if each := (n.calls.Load() - before) / 600; each > 50 {
			t.Errorf("%d calls a second", each)
		}
		n.want(t, "certificates/7", "v")
		if s := n.Status(); !s.Up || s.Whole {
			t.Errorf("status = %+v", s)
		}
	})
}

func TestReadingCostsTheSharedStorageOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, newMemory())
		n.start(t)
		n.put(t, key, "private")
		for what, read := range map[string]func() error{
			"Load":         func() error { _, err := n.Mirror.Load(t.Context(), key); return err },
			"Load of none": func() error { _, err := n.Mirror.Exists(t.Context(), "none"); return err },
			"List":         func() error { _, err := n.Mirror.List(t.Context(), "", true); return err },
			"TryLock":      func() error { _, err := n.Mirror.TryLock(t.Context(), "l"); return err },
		} {
			before := n.calls.Load()
			if err := read(); err != nil || n.calls.Load() != before+1 {
				t.Errorf("%s: %d calls, %v", what, n.calls.Load()-before, err)
			}
		}
	})
}

func TestAReadUnderADoneContextChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, newMemory())
		n.start(t)
		n.put(t, key, "private")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := n.Mirror.Delete(ctx, key); !errors.Is(err, context.Canceled) {
			t.Errorf("Delete = %v", err)
		}
		n.wantLocal(t, key, "private")
		n.wantUp(t)
	})
}
