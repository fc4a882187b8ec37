package mirror_test

import (
	"testing"
	"testing/synctest"
	"time"
)

// Two nodes that were apart from the storage, and one that was not: whoever asked last counts,
// whoever comes back first.
func TestOfSeveralAnswersOfAnOutageTheLastOneCounts(t *testing.T) {
	for _, firstBack := range []int{0, 1} {
		synctest.Test(t, func(t *testing.T) {
			content := newMemory()
			apart := []*machine{newNode(t, content), newNode(t, content)}
			there := newNode(t, content)
			for _, n := range append(apart, there) {
				n.start(t)
			}
			there.put(t, "ocsp/1", "before")
			there.put(t, "ocsp/2", "before")
			there.put(t, "ocsp/3", "before")
			time.Sleep(patience)
			for _, n := range apart {
				n.down.Store(true)
				n.want(t, "ocsp/1", "before")
			}
			apart[0].put(t, "ocsp/1", "first")
			apart[0].put(t, "ocsp/2", "first")
			time.Sleep(2 * time.Minute)
			there.put(t, "ocsp/2", "the one that was there, last")
			apart[1].put(t, "ocsp/1", "second and last")
			apart[1].put(t, "ocsp/3", "only")
			time.Sleep(2 * time.Minute)

			apart[firstBack].down.Store(false)
			time.Sleep(time.Minute)
			apart[1-firstBack].down.Store(false)
			time.Sleep(time.Minute)
			for _, n := range append(apart, there) {
				n.wantUp(t)
				for key, want := range map[string]string{"ocsp/1": "second and last", "ocsp/2": "the one that was there, last", "ocsp/3": "only"} {
					n.wantShared(t, key, want)
					n.wantLocal(t, key, want)
					n.want(t, key, want)
				}
			}
		})
	}
}

func TestWhatWasDeletedInAnOutageIsDeletedUnlessItIsNewer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := newMemory()
		n, other := newNode(t, content), newNode(t, content)
		n.start(t)
		other.start(t)
		for _, key := range []string{"ocsp/gone", "ocsp/newer", "ocsp/theirs"} {
			n.put(t, key, "before")
		}
		time.Sleep(patience)
		n.down.Store(true)
		n.want(t, "ocsp/gone", "before")
		n.remove(t, "ocsp/gone")
		n.remove(t, "ocsp/newer")
		n.put(t, "ocsp/theirs", "ours")
		n.want(t, "ocsp/gone", "")
		if keys, err := n.Mirror.List(t.Context(), "ocsp", true); len(keys) != 1 || err != nil {
			t.Errorf("List = %q, %v", keys, err)
		}
		time.Sleep(time.Minute)
		other.put(t, "ocsp/newer", "newer")
		other.remove(t, "ocsp/theirs")
		n.down.Store(false)
		time.Sleep(time.Minute)
		for key, want := range map[string]string{"ocsp/gone": "", "ocsp/newer": "newer", "ocsp/theirs": ""} {
			n.wantShared(t, key, want)
			n.want(t, key, want)
			n.wantLocal(t, key, want)
		}
		n.wantUp(t)
	})
}

// Between its coming back and the pushing, a reader gets what is owed, and a writer's later
// value stays.
func TestWhatIsOwedIsReadAndCanBeReplacedBeforeItIsPushed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		content := newMemory()
		n, busy := newNode(t, content), newNode(t, content)
		n.start(t)
		busy.start(t)
		n.put(t, "ocsp/1", "before")
		n.put(t, "ocsp/2", "before")
		time.Sleep(patience)
		n.down.Store(true)
		n.want(t, "ocsp/1", "before")
		n.put(t, "ocsp/1", "owed")
		n.put(t, "ocsp/2", "owed")
		if err := busy.Mirror.Lock(t.Context(), "mirror_push"); err != nil { // so nobody pushes
			t.Fatal(err)
		}
		n.down.Store(false)
		time.Sleep(patience)
		if s := n.Status(); !s.Up || s.Owed != 2 {
			t.Fatalf("status = %+v", s)
		}
		n.want(t, "ocsp/1", "owed")
		n.wantShared(t, "ocsp/1", "before")
		n.put(t, "ocsp/1", "now")
		if err := busy.Mirror.Unlock(t.Context(), "mirror_push"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(patience)
		n.wantUp(t)
		n.wantShared(t, "ocsp/1", "now")
		n.wantShared(t, "ocsp/2", "owed")
	})
}

// The mark is written before the value. Killed in between, a node owes what it owed before.
func TestAKillBetweenAMarkAndItsValueLeavesWhatWasOwed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, newMemory())
		n.start(t)
		n.put(t, "ocsp/1", "before")
		n.put(t, "ocsp/2", "before")
		time.Sleep(patience)
		n.down.Store(true)
		n.want(t, "ocsp/1", "before")
		n.put(t, "ocsp/1", "owed")
		for _, key := range []string{"ocsp/1", "ocsp/2"} {
			n.disk.killAfterMark(t, n, key)
		}
		n.restart(t)
		n.want(t, "ocsp/1", "owed")
		n.want(t, "ocsp/2", "before")
		n.down.Store(false)
		time.Sleep(patience)
		n.wantUp(t)
		n.wantShared(t, "ocsp/1", "owed")
		n.wantShared(t, "ocsp/2", "before")
	})
}
