package acme_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/acme"
	"dwaar/tlsstore/storage"
)

// What cannot be read may be well for others, who have the key: it is not ordered over.
func TestWhatCannotBeReadIsNotOrderedOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		stored := issue(t, "a.example", 90*day, nil)
		o.vault.put(publicCA, stored)
		o.vault.unreadable = errors.New("it was encrypted with another key")
		n := start(t, sites("a.example"), o)
		time.Sleep(day)
		n.wantState(t, "without the key", "a.example", acme.Missing)
		if o.ca.count() != 0 {
			t.Errorf("%d orders over it", o.ca.count())
		}
		if len(n.log.with("level=WARN", "stored certificate cannot be read, nothing is ordered in its place", "sni=a.example", "another key")) != 1 {
			t.Error("the log does not say so once at the start")
		}
		o.vault.set(func() { o.vault.unreadable = nil })
		if err := n.Reconfigure(sites("a.example", "b.example")); err != nil {
			t.Fatal(err)
		}
		within(t, time.Minute, "the stored one", func() bool { return n.serial("a.example") == serialOf(stored) })
	})
}

func TestAStartWithoutStorageIsOneWarning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.vault.unreadable = fmt.Errorf("loading: %w", storage.ErrUnavailable)
		n := start(t, sites(numbered(50)...), o)
		time.Sleep(time.Hour)
		if o.ca.count() != 0 {
			t.Errorf("%d orders", o.ca.count())
		}
		if warned := n.log.with("level=WARN"); len(warned) != 1 {
			t.Errorf("%d warnings, want one: %.3q", len(warned), warned)
		}
	})
}
