package kept_test

import (
	"testing"

	"dwaar/proxy/kept"
)

type counter struct{ n int }

func fresh() *counter { return new(counter) }

func TestWhatIsStillWantedGoesOn(t *testing.T) {
	shelf := kept.NewShelf()
	before := shelf.Lease()
	kept.Take(before, "a", fresh).n = 1
	kept.Take(before, "a", fresh).n++
	kept.Take(before, "b", fresh).n = 3
	after := shelf.Lease()
	if n := kept.Take(after, "a", fresh).n; n != 2 {
		t.Errorf("a = %d, want 2", n)
	}
	before.Release()
	last := shelf.Lease()
	if n := kept.Take(last, "a", fresh).n; n != 2 {
		t.Errorf("a = %d after the first lease has ended, want 2", n)
	}
	if n := kept.Take(last, "b", fresh).n; n != 0 {
		t.Errorf("b = %d, though nobody wanted it any more", n)
	}
	after.Release()
	last.Release()
	last.Release() // once is enough
	if n := kept.Take(shelf.Lease(), "a", fresh).n; n != 0 {
		t.Errorf("a = %d, though nobody wanted it any more", n)
	}
}

func TestKeysOfDifferentTypesAreDifferent(t *testing.T) {
	type mine string
	lease := kept.NewShelf().Lease()
	kept.Take(lease, "a", fresh).n = 1
	if n := kept.Take(lease, mine("a"), fresh).n; n != 0 {
		t.Errorf("another type's key found it: %d", n)
	}
}

func TestNobodysLeaseKeepsNothing(t *testing.T) {
	kept.Take[string](nil, "a", fresh).n = 1
	if n := kept.Take[string](nil, "a", fresh).n; n != 0 {
		t.Errorf("kept %d", n)
	}
}
