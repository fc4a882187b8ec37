package crl_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/crl"
	"dwaar/ocspsvc/ocsptest"
)

func TestAReadingByHandComesBeforeItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		leaf := b.leaf()
		b.run()
		b.settle()
		b.publish(leaf)
		s, err := b.watcher.Refresh(t.Context(), leaf.Fingerprint())
		if err != nil || s.State != crl.Revoked {
			t.Errorf("status %+v, error %v", s, err)
		}
		b.wants("at once", leaf, crl.Revoked, ocspsvc.ReasonRevoked)

		status(500)(b)
		time.Sleep(time.Minute)
		if _, err := b.watcher.Refresh(t.Context(), leaf.Fingerprint()); ocspsvc.ReasonOf(err) != ocspsvc.ReasonHTTPError {
			t.Errorf("error %v", err)
		}
		b.wants("after a failure", leaf, crl.Revoked, ocspsvc.ReasonRevoked)
		b.one.mend()
		b.publish()
		time.Sleep(2 * time.Second) // its back-off lasts longer
		if s, err := b.watcher.Refresh(t.Context(), leaf.Fingerprint()); err != nil || s.State != crl.Good || s.LastError != "" {
			t.Errorf("status %+v, error %v", s, err)
		}
	})
}

func TestAReadingByHandGoesOnToTheURLThatWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		leaf := b.leaf(at(url1, url2))
		status(500)(b)
		b.two.serve(newListing(b.ca, leaf).der(t))
		b.load()
		if s, err := b.watcher.Refresh(t.Context(), leaf.Fingerprint()); err != nil || s.State != crl.Revoked || s.URL != url2 {
			t.Errorf("status %+v, error %v", s, err)
		}
	})
}

func TestWhoIsNotCheckedIsNotReadByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		off, withResponder := b.leaf(), b.leaf(ocsptest.OCSP("http://ocsp.example/"))
		b.catalog.disable(off, true)
		stranger := b.ca.Leaf(t, at(url1))
		b.load()
		for _, leaf := range []*ocsptest.Leaf{off, withResponder, stranger} {
			if _, err := b.watcher.Refresh(t.Context(), leaf.Fingerprint()); !errors.Is(err, crl.ErrNotChecked) {
				t.Errorf("error %v", err)
			}
		}
		if n := b.one.count(); n != 0 {
			t.Errorf("%d requests", n)
		}
	})
}

// All of one list at the same time, beside Run: one reads it, the others share
// what it brought.
func TestManyReadingsByHandOfOneListAreOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		var leaves []*ocsptest.Leaf
		for range 100 {
			leaves = append(leaves, b.leaf())
		}
		b.run()
		b.settle()
		b.publish(leaves...)
		n := b.one.count()
		var all sync.WaitGroup
		for _, leaf := range leaves {
			all.Go(func() {
				if s, err := b.watcher.Refresh(t.Context(), leaf.Fingerprint()); err != nil || s.State != crl.Revoked {
					t.Errorf("status %+v, error %v", s, err)
				}
			})
		}
		all.Wait()
		if n = b.one.count() - n; n != 1 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestWhoGivesUpAReadingByHandChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		leaf := b.leaf()
		b.run()
		b.settle()
		before := b.status(leaf)
		hang(b)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if _, err := b.watcher.Refresh(ctx, leaf.Fingerprint()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		if after := b.status(leaf); after != before || len(b.book.Find(slog.LevelWarn, "")) != 0 {
			t.Errorf("status %+v, before %+v", after, before)
		}
	})
}
