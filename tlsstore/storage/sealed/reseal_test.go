package sealed_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/tlsstore/storage"
	"dwaar/tlsstore/storage/sealed"
	"dwaar/tlsstore/storage/storagetest"
)

func TestEverythingGetsTheFirstKeyAndKeepsItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		below := storagetest.NewMemory().Node()
		put(t, below, "plain", "plain")
		put(t, seal(t, below, sealed.Keys{Seal: key(t, 1)}), "old", "old")
		put(t, seal(t, below, sealed.Keys{Seal: key(t, 2)}), "new", "new")
		put(t, seal(t, below, sealed.Keys{Seal: key(t, 9)}), "strange/a", "strange")
		put(t, below, "strange/b", string(raw(t, below, "old"))) // sealed for another name
		then, untouched := stat(t, below, "old"), raw(t, below, "new")
		time.Sleep(time.Hour)

		keys := sealed.Keys{Seal: key(t, 2), Open: []sealed.Key{key(t, 1)}, Plaintext: true}
		s, calls := seal(t, below, keys), 0
		done, err := s.ResealAll(t.Context(), func(bool) { calls++ })
		if err != nil || done.Stored != 2 || done.Unreadable != 2 || fmt.Sprint(done.Paths) != "[strange/a strange/b]" || calls != 5 {
			t.Errorf("ResealAll = %+v, %v, with %d pauses", done, err, calls)
		}
		alone := seal(t, below, sealed.Keys{Seal: key(t, 2)})
		for _, name := range []string{"plain", "old", "new"} {
			if got := get(t, alone, name); got != name {
				t.Errorf("%s is %q by the new key alone", name, got)
			}
			if is, err := s.Current(t.Context(), name); !is || err != nil {
				t.Errorf("%s has the first key: %v, %v", name, is, err)
			}
		}
		if now := stat(t, below, "old"); !now.Equal(then) {
			t.Errorf("a value of %v is one of %v now", then, now)
		}
		if !bytes.Equal(raw(t, below, "new"), untouched) {
			t.Error("what had the first key was stored again")
		}
		if done, err := s.ResealAll(t.Context(), func(bool) {}); err != nil || done.Stored != 0 {
			t.Errorf("the second time: %+v, %v", done, err)
		}
	})
}

// Without Plaintext a value in plain text may have been put there by anybody: it must not become
// one of ours.
func TestPlainTextIsEncryptedOnlyWhereItMayBeRead(t *testing.T) {
	below := storagetest.NewMemory().Node()
	put(t, below, path, "anybody's")
	done, err := seal(t, below, sealed.Keys{Seal: key(t, 1)}).ResealAll(t.Context(), func(bool) {})
	if err != nil || done.Stored != 0 || done.Unreadable != 1 || get(t, below, path) != "anybody's" {
		t.Errorf("ResealAll = %+v, %v", done, err)
	}
}

func TestWhatIsStoredMeanwhileIsNotOverwritten(t *testing.T) {
	for what, meanwhile := range map[string]func(*testing.T, storage.Storage){
		"stored":  func(t *testing.T, s storage.Storage) { put(t, s, path, "theirs") },
		"deleted": func(t *testing.T, s storage.Storage) { _ = s.Delete(t.Context(), path) },
	} {
		memory := storagetest.NewMemory()
		mine, theirs := memory.Node(), memory.Node()
		put(t, mine, path, "read")
		memory.Before(func(by *storagetest.Node, _ string) {
			if by == mine {
				meanwhile(t, theirs)
			}
		})
		if did, err := seal(t, mine, sealed.Keys{Seal: key(t, 1), Plaintext: true}).Reseal(t.Context(), path); did || err != nil {
			t.Errorf("%s: Reseal = %v, %v", what, did, err)
		}
		want := map[string]string{"stored": "theirs", "deleted": ""}[what]
		if got := memory.Snapshot()[path]; got != want {
			t.Errorf("%s meanwhile: %q is there", what, got)
		}
	}
}

// An outage, or a lock that is lost, ends it at once; the next time it goes on.
func TestEncryptingAgainEndsWithTheStorageAndGoesOn(t *testing.T) {
	memory := storagetest.NewMemory()
	node := memory.Node()
	for i := range 4 {
		put(t, node, fmt.Sprint(i), "plain")
	}
	s := seal(t, node, sealed.Keys{Seal: key(t, 1), Plaintext: true})
	done, err := s.ResealAll(t.Context(), func(bool) { memory.SetDown(true) })
	if !errors.Is(err, storage.ErrUnavailable) || done.Stored != 1 {
		t.Errorf("ResealAll through an outage = %+v, %v", done, err)
	}
	memory.SetDown(false)
	if done, err := s.ResealAll(storage.Under(t.Context(), "reseal"), func(bool) {}); !errors.Is(err, storage.ErrNotLocked) || done.Stored != 0 {
		t.Errorf("ResealAll without its lock = %+v, %v", done, err)
	}
	if done, err := s.ResealAll(t.Context(), func(bool) {}); err != nil || done.Stored != 3 {
		t.Errorf("ResealAll after the outage = %+v, %v", done, err)
	}
}

func stat(t *testing.T, s storage.Storage, key string) time.Time {
	t.Helper()
	info, err := s.Stat(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return info.Modified
}
