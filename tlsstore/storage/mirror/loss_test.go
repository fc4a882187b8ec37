package mirror_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/tlsstore/storage"
)

// A server without persistence is restarted: everything is gone, and nobody has noticed when the
// first reader comes.
func TestAStorageThatHasLostEverythingGetsItBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := newMemory()
		nodes := []*machine{newNode(t, content), newNode(t, content), newNode(t, content)}
		for _, n := range nodes {
			n.start(t)
		}
		for i := range 40 {
			nodes[i%3].put(t, fmt.Sprintf("certificates/ca/%d", i), "private")
		}
		nodes[0].put(t, "certificates/ca/deleted", "private")
		time.Sleep(patience)
		nodes[1].remove(t, "certificates/ca/deleted")
		time.Sleep(patience)
		for _, n := range nodes {
			n.heard()
		}

		content.wipe()
		nodes[0].want(t, "certificates/ca/7", "private") // not: there is none, order another
		if there, err := nodes[1].Mirror.Exists(t.Context(), "certificates/ca/7"); !there || err != nil {
			t.Errorf("Exists = %v, %v", there, err)
		}
		if keys, err := nodes[2].Mirror.List(t.Context(), "certificates/ca", false); len(keys) != 40 || err != nil {
			t.Errorf("List = %d keys, %v", len(keys), err)
		}
		if err := nodes[0].Mirror.Lock(t.Context(), "issue"); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("Lock = %v before it is repaired", err)
		}
		time.Sleep(patience)
		if n := len(content.values); n != 40 {
			t.Errorf("%d keys are back, want 40", n)
		}
		for i, n := range nodes {
			n.wantUp(t)
			n.want(t, "certificates/ca/deleted", "")
			n.want(t, "certificates/ca/39", "private")
			if heard := n.heard(); !strings.Contains(heard, "*") {
				t.Errorf("node %d has heard %q, want that anything may have changed", i, heard)
			}
			if n.log.count("level=WARN msg=\"the shared storage has lost what it had") != 1 {
				t.Errorf("node %d does not say, or not once, that everything was lost:\n%s", i, n.log.text.String())
			}
		}
		if stores := content.sequence; stores > 40+42+2 {
			t.Errorf("%d changes in all: something was put back more than once", stores)
		}
	})
}

// Nobody notices the loss while no call is made; the poll does. Somebody stores something first.
func TestALossIsNoticedWithoutAnyReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := newMemory()
		n := newNode(t, content)
		n.start(t)
		n.put(t, key, "private")
		n.put(t, staple, "before")
		time.Sleep(patience)
		content.wipe()
		n.put(t, staple, "after")
		time.Sleep(patience)
		n.wantUp(t)
		n.wantShared(t, key, "private")
		n.wantShared(t, staple, "after")
		n.wantLocal(t, staple, "after")
	})
}

// The content is lost while all nodes are off, and the one that starts first has no copy.
func TestAFreshNodeThatComesFirstDoesNotCostTheOthersTheirCopies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := newMemory()
		old := newNode(t, content)
		old.start(t)
		old.put(t, key, "private")
		time.Sleep(patience)
		old.stop()
		content.wipe()
		time.Sleep(time.Hour)
		fresh := newNode(t, content)
		fresh.start(t)
		fresh.put(t, "certificates/fresh", "private")
		time.Sleep(patience)
		old.start(t)
		time.Sleep(patience)
		for _, n := range []*machine{fresh, old} {
			n.wantUp(t)
			n.want(t, key, "private")
			n.want(t, "certificates/fresh", "private")
		}
	})
}

func TestALossDuringAnOutageKeepsWhatIsOwed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := newMemory()
		n := newNode(t, content)
		n.start(t)
		n.put(t, staple, "before")
		n.put(t, crl, "before")
		time.Sleep(patience)
		n.down.Store(true)
		n.want(t, staple, "before")
		n.put(t, staple, "owed")
		n.remove(t, crl)
		n.put(t, answer, "owed")
		content.wipe()
		n.down.Store(false)
		time.Sleep(patience)
		n.wantUp(t)
		for key, want := range map[string]string{staple: "owed", crl: "", answer: "owed"} {
			n.wantShared(t, key, want)
			n.want(t, key, want)
		}
	})
}

func TestTheContentOfOthersReplacesTheLocalCopy(t *testing.T) {
	for _, running := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			content := newMemory()
			n := newNode(t, content)
			n.start(t)
			n.put(t, key, "private")
			n.put(t, staple, "before")
			time.Sleep(patience)
			n.down.Store(true)
			n.want(t, staple, "before")
			n.put(t, staple, "owed")
			if !running {
				n.stop()
			}
			content.becomeAnothers("certificates/theirs", "theirs")
			n.down.Store(false)
			if !running {
				n.start(t)
			}
			time.Sleep(patience)
			n.wantUp(t)
			n.want(t, key, "")
			n.wantLocal(t, key, "")
			n.wantLocal(t, "certificates/theirs", "theirs")
			n.wantShared(t, key, "")
			n.wantShared(t, staple, "")
			if n.log.count("has the content of others, dropping") != 1 || n.heard() != "*" {
				t.Error("it does not say so")
			}
		})
	}
}

// A crash of the server has lost its last seconds: what was stored then is put back, what was
// deleted long ago stays away.
func TestAStorageThatHasGoneBackInTimeGetsWhatIsRecent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := newMemory()
		n := newNode(t, content)
		n.start(t)
		n.put(t, "certificates/old", "private")
		time.Sleep(24 * time.Hour)
		n.put(t, key, "new")
		n.put(t, staple, "s")
		time.Sleep(time.Second)
		n.down.Store(true)
		n.want(t, key, "new")
		content.rollBack(time.Now().Add(-time.Minute), key, staple, "certificates/old")
		n.down.Store(false)
		time.Sleep(patience)
		n.wantUp(t)
		n.want(t, key, "new")
		n.wantShared(t, key, "new")
		n.wantShared(t, staple, "s")
		n.want(t, "certificates/old", "")
	})
}

// The server is down for hours, and comes back with what a backup of the day before has.
func TestAStorageThatComesFromABackupGetsAllThatIsNewer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := newMemory()
		n := newNode(t, content)
		n.start(t)
		n.put(t, "certificates/old", "private")
		time.Sleep(24 * time.Hour)
		backup := time.Now()
		time.Sleep(2 * time.Hour)
		n.put(t, key, "new")
		time.Sleep(22 * time.Hour)
		n.down.Store(true)
		n.want(t, key, "new")
		time.Sleep(5 * time.Hour)
		content.rollBack(backup, key, "certificates/old") // this was deleted by somebody who came before us
		n.down.Store(false)
		time.Sleep(patience)
		n.wantUp(t)
		n.wantShared(t, key, "new")
		n.wantLocal(t, key, "new")
		n.want(t, "certificates/old", "")
	})
}

// It is empty at first, and has got everything back from the nodes when somebody restores the backup
// of what it had before: that is not the content of others.
func TestABackupFromBeforeALossGetsWhatIsNewer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := newMemory()
		n := newNode(t, content)
		n.start(t)
		n.put(t, "certificates/old", "private")
		time.Sleep(2 * time.Hour)
		epoch, backup, values := content.epoch, time.Now(), maps.Clone(content.values)
		time.Sleep(5 * time.Hour)
		n.put(t, key, "new")
		time.Sleep(patience)
		content.wipe()
		time.Sleep(5 * time.Hour)
		n.wantShared(t, key, "new")
		n.restart(t)
		content.restore(epoch, backup, values)
		time.Sleep(patience)
		n.wantUp(t)
		n.wantShared(t, key, "new")
		n.want(t, key, "new")
		n.want(t, "certificates/old", "private")
		if n.log.count("has the content of others") != 0 {
			t.Error("its own content is taken for that of others")
		}
	})
}

// After a long time away what is missing was deleted, not lost.
func TestANodeThatWasAwayForLongPutsNothingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := newMemory()
		n, other := newNode(t, content), newNode(t, content)
		n.start(t)
		other.start(t)
		n.put(t, key, "private")
		n.put(t, staple, "s")
		time.Sleep(patience)
		n.stop()
		other.remove(t, key)
		other.put(t, staple, "later")
		time.Sleep(24 * time.Hour)
		content.forget()
		n.start(t)
		time.Sleep(patience)
		n.wantUp(t)
		n.want(t, key, "")
		n.wantShared(t, key, "")
		n.wantLocal(t, key, "")
		n.wantLocal(t, staple, "later")
		if heard := n.heard(); heard != "*" {
			t.Errorf("OnChange has heard %q", heard)
		}
	})
}

// It is lost while the names of the two storages are compared: what is not there any more was not
// deleted.
func TestALossDuringTheCopyingCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := newMemory()
		n := newNode(t, content)
		n.start(t)
		n.put(t, key, "private")
		time.Sleep(patience)
		n.stop()
		wipe := content.wipe
		n.onList.Store(&wipe)
		n.start(t)
		time.Sleep(patience)
		n.wantUp(t)
		n.want(t, key, "private")
		n.wantShared(t, key, "private")
	})
}

// What the local copy could not delete is not put back.
func TestWhatTheCopyHasWrongIsNotPutBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := newMemory()
		n := newNode(t, content)
		n.start(t)
		n.put(t, key, "private")
		n.put(t, staple, "s")
		time.Sleep(patience)
		n.disk.full.Store(true)
		n.remove(t, key)
		content.wipe()
		time.Sleep(patience)
		n.wantShared(t, key, "")
		n.wantShared(t, staple, "s")
	})
}

// A repair that is interrupted goes on.
func TestARepairThatIsInterruptedGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := newMemory()
		n := newNode(t, content)
		n.start(t)
		for i := range 20 {
			n.put(t, fmt.Sprintf("certificates/ca/%d", i), "private")
		}
		time.Sleep(patience)
		content.wipe()
		n.failAfter.Store(25) // calls
		time.Sleep(patience)
		n.wantDown(t, "refused")
		if n := len(content.values); n == 0 || n == 20 {
			t.Fatalf("%d keys are back: the test has lost its subject", n)
		}
		n.restart(t)
		n.want(t, "certificates/ca/19", "private")
		n.failAfter.Store(0)
		n.down.Store(false)
		time.Sleep(patience + lease)
		n.wantUp(t)
		if n := len(content.values); n != 20 {
			t.Errorf("%d keys are back, want 20", n)
		}
	})
}
