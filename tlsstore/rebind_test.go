package tlsstore_test

import (
	"testing"
	"time"

	"dwaar/tlsstore"
)

// What Apply is given again, as when only another certificate is new, was read before the
// files changed: it must not bring back what they held then, not even until the next look.
func TestAPairThatIsBoundAgainDoesNotBringBackWhatItsFilesHeld(t *testing.T) { // S6, V2
	watch(t, plain(t), func(w *watching, first issued) {
		pair := w.load()
		time.Sleep(2 * time.Second)
		if err := w.store.Apply([]tlsstore.Binding{on(pair, "a.example")}); err != nil {
			t.Fatal(err)
		}
		w.store.SetRevoked(first.fingerprint(), true)
		second := w.ca.leaf("a.example")
		put(t, w.cert, certPEM(second.chain...))
		put(t, w.key, keyPEM(t, second.key))
		w.serves("after a change", second)
		w.store.Attach(second.fingerprint(), second.staple("new"))

		other := w.ca.leaf("b.example")
		if err := w.store.Apply([]tlsstore.Binding{on(pair, "a.example"), on(other.pair(t), "b.example")}); err != nil {
			t.Fatal(err)
		}
		if leaf, staple := shown(t, w.store, "a.example"); !leaf.Equal(second.leaf) || staple == nil {
			t.Errorf("bound again: serial %x with staple %x is served, want what the files hold now", leaf.SerialNumber, staple)
		}
		third := w.ca.leaf("a.example")
		put(t, w.cert, certPEM(third.chain...))
		put(t, w.key, keyPEM(t, third.key))
		w.serves("after the next change", third)

		put(t, w.cert, certPEM(first.chain...))
		put(t, w.key, keyPEM(t, first.key))
		if err := w.store.Apply([]tlsstore.Binding{on(w.load(), "a.example")}); err != nil {
			t.Fatal(err)
		}
		if leaf, _ := shown(t, w.store, "a.example"); !leaf.Equal(first.leaf) {
			t.Error("a pair that was read later is not served")
		}
	})
}
