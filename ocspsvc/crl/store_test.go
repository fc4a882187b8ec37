package crl_test

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/crl"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/tlsstore/storage"
)

var _ crl.Storage = storage.Storage(nil)

// stored is a bench whose disk has a list in which leaf is revoked, before a
// restart with a dead server.
func stored(t *testing.T) (*bench, *ocsptest.Leaf) {
	b := setUp(t, crl.Config{})
	leaf := b.leaf()
	b.publish(leaf)
	b.run()
	b.settle()
	b.network.Unplug("8.8.8.8:80")
	b.restart()
	return b, leaf
}

func TestAStoredListThatCannotBeUsedIsIgnoredWithAWarning(t *testing.T) { // S14
	for name, c := range map[string]struct {
		change func([]byte) []byte
		reason ocspsvc.Reason
		text   string
	}{
		"foreign":   {func([]byte) []byte { return []byte("hello") }, ocspsvc.ReasonStoreError, "not a stored CRL"},
		"truncated": {func(c []byte) []byte { return c[:len(c)-1] }, ocspsvc.ReasonStoreError, "damaged stored CRL: its checksum does not match"},
		"short":     {func(c []byte) []byte { return c[:20] }, ocspsvc.ReasonStoreError, "damaged stored CRL: its checksum does not match"},
		"flipped":   {func(c []byte) []byte { c[len(c)/2] ^= 1; return c }, ocspsvc.ReasonStoreError, "damaged stored CRL: its checksum does not match"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, leaf := stored(t)
				b.disk.change(c.change)
				b.load()
				b.wants("ignored", leaf, crl.None, ocspsvc.ReasonPending)
				warned := b.book.Find(slog.LevelWarn, "stored CRL is ignored")
				if len(warned) != 1 || warned[0].Attrs["reason"] != string(c.reason) || !strings.Contains(warned[0].Attrs["err"], c.text) {
					t.Errorf("warned %+v", warned)
				}
			})
		})
	}
}

func TestAStoredListIsVerifiedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, leaf := stored(t)
		list := newListing(b.ca)
		list.signer = ocsptest.NewKey(t, ocsptest.P256)
		b.disk.change(func(c []byte) []byte { return crl.Record(url1, list.der(t)) })
		b.load()
		b.wants("forged", leaf, crl.None, ocspsvc.ReasonPending)
		if warned := b.book.Find(slog.LevelWarn, "stored CRL is ignored"); len(warned) != 1 || warned[0].Attrs["reason"] != "bad_signature" {
			t.Errorf("warned %+v", warned)
		}
		b.restart()
		b.disk.change(func(c []byte) []byte { return crl.Record(url2, newListing(b.ca).der(t)) })
		b.load()
		if warned := b.book.Find(slog.LevelWarn, "stored CRL is ignored"); len(warned) != 1 || !strings.HasSuffix(warned[0].Attrs["err"], "it is that of "+url2) {
			t.Errorf("warned %+v", warned)
		}
	})
}

func TestAListThatCannotBeStoredIsUsedAllTheSame(t *testing.T) { // S14
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		leaf := b.leaf()
		b.publish(leaf)
		b.load()
		b.disk.setBroken(errDisk)
		b.run()
		b.settle()
		b.wants("unstored", leaf, crl.Revoked, ocspsvc.ReasonRevoked)
		warned := b.book.Find(slog.LevelWarn, "CRL could not be stored")
		if len(warned) != 1 || warned[0].Attrs["reason"] != "store_error" || !strings.HasPrefix(warned[0].Attrs["err"], "storing CRL crl/") {
			t.Errorf("warned %+v", warned)
		}
	})
}

func TestADiskThatHangsHoldsNobodyForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		first, second := b.leaf(), b.leaf(at(url2))
		b.two.serve(newListing(b.ca).der(t))
		b.disk.hang = make(chan struct{})
		b.run()
		time.Sleep(2 * time.Minute)
		b.wants("the first", first, crl.Good, ocspsvc.ReasonGood)
		b.wants("the second", second, crl.Good, ocspsvc.ReasonGood)
		warned := b.book.Find(slog.LevelWarn, "CRL could not be stored")
		if len(warned) != 2 || !strings.HasSuffix(warned[1].Attrs["err"], "storage has not finished an earlier write") {
			t.Errorf("warned %+v", warned)
		}
		b.stop()
		close(b.disk.hang)
	})
}

func TestWithoutStorageListsLiveInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		leaf := b.leaf()
		w, err := crl.New(crl.Config{}, b.catalog, b.network.guard(), nil, nil, b.book.Log)
		if err != nil {
			t.Fatal(err)
		}
		b.watcher = w
		b.publish(leaf)
		b.run()
		time.Sleep(15 * time.Minute) // a sweep included
		if s := b.status(leaf); s.State != crl.Revoked {
			t.Errorf("status = %+v", s)
		}
		if b.book.Loud() != 1 { // that it is revoked
			t.Error("warned")
		}
	})
}

func TestListsThatNobodyNeedsLeaveStorageAfterAMonth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		b.leaf()
		gone := b.leaf(at(url2))
		b.two.serve(newListing(b.ca).der(t))
		b.run()
		b.settle()
		if err := b.disk.Store(t.Context(), "crl/README", []byte("hello")); err != nil {
			t.Fatal(err)
		}
		if err := b.disk.Store(t.Context(), "crl/"+strings.Repeat("0", 64), []byte("somebody else's")); err != nil {
			t.Fatal(err)
		}
		if err := b.disk.Store(t.Context(), "crl/"+strings.Repeat("1", 64), []byte("dwaar crl 1\ndamaged")); err != nil {
			t.Fatal(err)
		}
		b.catalog.remove(gone)
		b.watcher.Sync()
		time.Sleep(29 * day)
		if n := len(b.disk.keys()); n != 4 {
			t.Errorf("after 29 days there are %q", b.disk.keys())
		}
		time.Sleep(2 * day)
		if n := len(b.disk.keys()); n != 3 {
			t.Errorf("after 31 days there are %q", b.disk.keys())
		}
		b.disk.setBroken(errDisk)
		time.Sleep(day)
		if warned := b.book.Find(slog.LevelWarn, "clearing stored CRLs"); len(warned) != 1 || !strings.HasPrefix(warned[0].Attrs["err"], "listing stored CRLs: ") {
			t.Errorf("warned %+v", warned)
		}
	})
}

// A list that could not be stored leaves no older one behind by which a
// certificate would be good again that was seen revoked.
func TestAFullDiskBringsNoRevokedCertificateBack(t *testing.T) { // V3
	for name, c := range map[string]struct {
		room   int
		state  crl.State
		reason ocspsvc.Reason
	}{
		"that has room for one list": {700, crl.Revoked, ocspsvc.ReasonRevoked},
		"that takes nothing more":    {0, crl.None, ocspsvc.ReasonPending},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := setUp(t, crl.Config{RefreshEvery: 30 * time.Minute})
				leaf := b.leaf()
				b.run()
				b.settle()
				b.wants("before", leaf, crl.Good, ocspsvc.ReasonGood)
				b.disk.fill(errDisk, c.room)
				b.publish(leaf)
				time.Sleep(time.Hour)
				b.wants("read", leaf, crl.Revoked, ocspsvc.ReasonRevoked)
				b.network.Unplug("8.8.8.8:80")
				b.restart()
				b.load()
				b.wants("after the restart", leaf, c.state, c.reason)
			})
		})
	}
}

func TestAFullDiskKeepsAListThatIsStillRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{RefreshEvery: 30 * time.Minute})
		good, revoked := b.leaf(), b.leaf()
		b.publish(revoked)
		b.run()
		b.settle()
		b.disk.fill(errDisk, 0)
		b.publish(revoked, b.ca.Leaf(t))
		time.Sleep(40 * time.Minute)
		b.network.Unplug("8.8.8.8:80")
		b.restart()
		b.load()
		b.wants("good", good, crl.Good, ocspsvc.ReasonGood)
		b.wants("revoked", revoked, crl.Revoked, ocspsvc.ReasonRevoked)
	})
}

func TestADiskThatIsBackGetsTheListItMissedWithinTheHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		leaf := b.leaf()
		b.publish(leaf)
		b.disk.fill(errDisk, 0)
		b.run()
		b.settle()
		b.disk.fill(nil, 0)
		time.Sleep(time.Hour)
		n := b.one.count()
		b.network.Unplug("8.8.8.8:80")
		b.restart()
		b.load()
		b.wants("after the restart", leaf, crl.Revoked, ocspsvc.ReasonRevoked)
		if n != 2 {
			t.Errorf("read %d times", n)
		}
	})
}
