package crl_test

import (
	"encoding/hex"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/netguard"
	"dwaar/ocspsvc"
	"dwaar/ocspsvc/crl"
	"dwaar/ocspsvc/ocsptest"
)

func TestACertificateThatItsCRLDoesNotNameIsGood(t *testing.T) { // V3
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		leaf := b.leaf()
		list := b.publish(b.ca.Leaf(t))
		b.wants("before anything", leaf, crl.None, ocspsvc.ReasonPending)
		start := time.Now()
		b.run()
		synctest.Wait()
		b.wants("at once", leaf, crl.Good, ocspsvc.ReasonGood)
		s := b.status(leaf)
		if s.URL != url1 || !s.ThisUpdate.Equal(list.this) || !s.NextUpdate.Equal(list.next) || !s.LastTry.Equal(start) ||
			s.LastError != "" || !s.RevokedAt.IsZero() || s.NextTry.Sub(start) > 12*time.Hour || s.NextTry.Sub(start) < 11*time.Hour {
			t.Errorf("status = %+v", s)
		}
		if b.book.Loud() > 0 || b.catalog.history() != "" {
			t.Errorf("%d warnings, told %q", b.book.Loud(), b.catalog.history())
		}
		if hits := b.one.asked(); len(hits) != 1 || hits[0].header.Get("Accept-Encoding") != "" || hits[0].header.Get("User-Agent") != "dwaar" {
			t.Errorf("asked %+v", hits)
		}
	})
}

func TestARevokedCertificateIsReportedOnceWithTimeAndReason(t *testing.T) { // V1, V2, V3
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		leaf, other := b.leaf(), b.leaf()
		b.run()
		b.settle()
		list := b.publish(leaf)
		time.Sleep(12 * time.Hour)
		b.wants("revoked", leaf, crl.Revoked, ocspsvc.ReasonRevoked)
		b.wants("the other", other, crl.Good, ocspsvc.ReasonGood)
		v, at := b.catalog.verdict(leaf), list.entries[0].at
		if !v.RevokedAt.Equal(at) || v.RevocationReason != ocspsvc.KeyCompromise || v.Reason != ocspsvc.ReasonRevoked ||
			!v.ThisUpdate.Equal(list.this) || !v.NextUpdate.Equal(list.next) || v.Responder != b.ca.Cert.Subject.String() {
			t.Errorf("verdict = %+v", v)
		}
		if s := b.status(leaf); !s.RevokedAt.Equal(at) || s.RevocationReason != "keyCompromise" || s.URL != url1 {
			t.Errorf("status = %+v", s)
		}
		lines := b.book.Find(slog.LevelError, "certificate is revoked")
		if len(lines) != 1 || lines[0].Attrs["reason"] != "keyCompromise" || lines[0].Attrs["url"] != url1 ||
			lines[0].Attrs["serial"] != hex.EncodeToString(leaf.Cert.SerialNumber.Bytes()) || lines[0].Attrs["names"] != "[localhost]" {
			t.Errorf("logged %+v", lines)
		}
		time.Sleep(3 * day)
		if b.catalog.history() != "revoked" {
			t.Errorf("told %q", b.catalog.history())
		}
		b.watcher.Sync()
		if b.catalog.history() != "revoked revoked" {
			t.Errorf("after Sync, told %q", b.catalog.history())
		}
	})
}

func TestAHoldIsARevocationUntilItIsLifted(t *testing.T) {
	for name, lift := range map[string]func(*listing, *ocsptest.Leaf){
		"by leaving it out":  func(*listing, *ocsptest.Leaf) {},
		"by removeFromCRL":   func(l *listing, leaf *ocsptest.Leaf) { l.entries = hold(leaf, ocspsvc.RemoveFromCRL) },
		"in the same second": func(l *listing, _ *ocsptest.Leaf) { l.this = l.this.Add(-13 * time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := setUp(t, crl.Config{})
				leaf := b.leaf()
				list := b.publish()
				list.entries = hold(leaf, ocspsvc.CertificateHold)
				b.one.serve(list.der(t))
				b.run()
				b.settle()
				b.wants("held", leaf, crl.Revoked, ocspsvc.ReasonRevoked)
				time.Sleep(13*time.Hour - 40*time.Second)
				lifted := b.publish()
				lift(lifted, leaf)
				b.one.serve(lifted.der(t))
				time.Sleep(12 * time.Hour)
				b.wants("lifted", leaf, crl.Good, ocspsvc.ReasonGood)
				if v := b.catalog.verdict(leaf); b.catalog.history() != "revoked good" || !v.ThisUpdate.Equal(lifted.this) {
					t.Errorf("told %q, %+v", b.catalog.history(), v)
				}
				if len(b.book.Find(slog.LevelInfo, "no longer revoked")) != 1 {
					t.Error("nobody said so")
				}
			})
		})
	}
}

func hold(leaf *ocsptest.Leaf, reason ocspsvc.RevocationReason) []entry {
	return []entry{{serial: leaf.Cert.SerialNumber, at: time.Now(), reason: reason}}
}

func TestARevocationOutlivesItsListAndTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		leaf, other := b.leaf(), b.leaf()
		b.publish(leaf)
		b.run()
		b.settle()
		b.network.Unplug("8.8.8.8:80")
		time.Sleep(8 * day)
		b.wants("after the end of the list", leaf, crl.Revoked, ocspsvc.ReasonRevoked)
		b.wants("who was good", other, crl.None, ocspsvc.ReasonExpired)
		if ends := b.book.Find(slog.LevelWarn, "CRL has ended"); len(ends) != 1 || ends[0].Attrs["certificates"] != "2" {
			t.Errorf("logged %+v", ends)
		}
		b.restart()
		b.load()
		b.wants("after a restart, before running", leaf, crl.Revoked, ocspsvc.ReasonRevoked)
		b.wants("who was good, after a restart", other, crl.None, ocspsvc.ReasonExpired)
		b.run()
		time.Sleep(time.Hour)
		b.wants("while the server is dead", leaf, crl.Revoked, ocspsvc.ReasonRevoked)
		if b.catalog.history() != "revoked revoked" { // run loads once more
			t.Errorf("told %q", b.catalog.history())
		}
	})
}

func TestARestartWithAStoredListAsksNobodyBeforeItIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		leaf := b.leaf()
		b.run()
		b.settle()
		b.restart()
		b.run()
		synctest.Wait()
		b.wants("after a restart", leaf, crl.Good, ocspsvc.ReasonGood)
		time.Sleep(10 * time.Hour)
		if n := b.one.count(); n != 1 {
			t.Errorf("asked %d times", n)
		}
		time.Sleep(2 * time.Hour)
		if hits := b.one.asked(); len(hits) != 2 || hits[1].status != 304 {
			t.Errorf("asked %+v", hits)
		}
	})
}

func TestAnExpiredCertificateStaysRevokedWhenItsListForgetsIt(t *testing.T) { // RFC 5280 §3.3
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		leaf := b.leaf(ocsptest.Validity(-30*day, day))
		b.publish(leaf)
		b.run()
		b.settle()
		time.Sleep(2 * day)
		b.publish()
		time.Sleep(day)
		b.wants("forgotten", leaf, crl.Revoked, ocspsvc.ReasonRevoked)
	})
}

func TestTenThousandCertificatesOfOneIssuerReadOneListOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		key := ocsptest.NewKey(t, ocsptest.P256)
		var last *ocsptest.Leaf
		for i := range 10_000 {
			last = b.leaf(ocsptest.WithKey(key), ocsptest.Names(fmt.Sprintf("%d.example", i)))
		}
		b.publish(last)
		b.run()
		synctest.Wait()
		b.wants("the last", last, crl.Revoked, ocspsvc.ReasonRevoked)
		if n := b.one.count(); n != 1 {
			t.Errorf("%d requests", n)
		}
		if read := b.book.Find(slog.LevelDebug, "CRL read"); len(read) != 1 || len(b.disk.keys()) != 1 {
			t.Errorf("read %d lists, stored %d", len(read), len(b.disk.keys()))
		}
		states := map[crl.State]int{}
		for leaf := range b.catalog.certs {
			states[b.watcher.Status(leaf).State]++
		}
		if states[crl.Good] != 9_999 || states[crl.Revoked] != 1 {
			t.Errorf("states = %v", states)
		}
		b.network.Unplug("8.8.8.8:80")
		time.Sleep(11*time.Hour + 59*time.Minute)
		if warned := b.book.Find(slog.LevelWarn, "reading a CRL failed"); len(warned) == 0 || warned[0].Attrs["certificates"] != "10000" {
			t.Errorf("warned %d times", len(warned))
		}
	})
}

func TestWhoIsNotCheckedIsQuietAndSaysWhy(t *testing.T) { // S12
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		elsewhere := ocsptest.NewRoot(t, ocsptest.Name("elsewhere"))
		self := ocsptest.SelfSigned(t, at(url1))
		b.catalog.put(self)
		off := b.leaf()
		b.catalog.disable(off, true)
		alone := b.ca.Leaf(t, at(url1))
		b.catalog.set(crl.Certificate{Fingerprint: alone.Fingerprint(), Chain: [][]byte{alone.Cert.Raw, elsewhere.Cert.Raw}})
		foreign := b.leaf(pointsAre(seq(pointName(url1), tlv(0xa2, tlv(0xa4, elsewhere.Cert.RawSubject)))), at())
		for _, c := range []struct {
			name   string
			leaf   *ocsptest.Leaf
			reason ocspsvc.Reason
		}{
			{"with a responder", b.leaf(ocsptest.OCSP("http://ocsp.example/")), ""},
			{"without CRL", b.leaf(at()), ocspsvc.ReasonNoResponder},
			{"with ldap only", b.leaf(at("ldap://ldap.example/cn=ca?certificateRevocationList")), ocspsvc.ReasonNoResponder},
			{"noRevAvail", b.leaf(ocsptest.NoRevAvail()), ocspsvc.ReasonNoResponder},
			{"self-signed", self, ocspsvc.ReasonSelfSigned},
			{"switched off", off, ocspsvc.ReasonDisabled},
			{"without issuer", alone, ocspsvc.ReasonNoIssuer},
			{"with another CRL issuer", foreign, ocspsvc.ReasonNoResponder},
		} {
			b.watcher.Sync()
			b.wants(c.name, c.leaf, crl.None, c.reason)
			if s := b.status(c.leaf); s.URL != "" || !s.NextTry.IsZero() || (s.LastError != "") != (c.reason == ocspsvc.ReasonNoIssuer) {
				t.Errorf("%s: status = %+v", c.name, s)
			}
		}
		b.run()
		b.settle()
		if b.one.count() != 0 || b.book.Loud() != 0 {
			t.Errorf("%d requests, %d warnings", b.one.count(), b.book.Loud())
		}
	})
}

func TestTheCatalogIsWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		leaf := b.leaf()
		late, early := b.ca.Leaf(t, at(url1)), b.ca.Leaf(t, at(url1))
		b.publish(leaf, late)
		b.run()
		b.settle()
		b.catalog.put(late, early)
		b.watcher.Sync()
		b.wants("new, and the list is held", late, crl.Revoked, ocspsvc.ReasonRevoked)
		b.wants("new and good", early, crl.Good, ocspsvc.ReasonGood)
		b.catalog.disable(leaf, true)
		b.watcher.Sync()
		b.wants("switched off", leaf, crl.None, ocspsvc.ReasonDisabled)
		b.catalog.disable(leaf, false)
		b.watcher.Sync()
		b.wants("switched on", leaf, crl.Revoked, ocspsvc.ReasonRevoked)
		b.catalog.set(crl.Certificate{Fingerprint: leaf.Fingerprint(), Chain: [][]byte{leaf.Cert.Raw}})
		b.watcher.Sync()
		b.wants("without its issuer, revoked is revoked", leaf, crl.Revoked, ocspsvc.ReasonRevoked)
		for _, l := range []*ocsptest.Leaf{leaf, late, early} {
			b.catalog.remove(l)
		}
		b.watcher.Sync()
		if s := b.status(leaf); s.State != crl.None || s.Reason != ocspsvc.ReasonPending {
			t.Errorf("gone: %+v", s)
		}
		before := b.one.count()
		time.Sleep(2 * day)
		if b.one.count() != before {
			t.Error("asked for nobody")
		}
		b.catalog.put(early)
		b.watcher.Sync()
		synctest.Wait()
		b.wants("back again", early, crl.Good, ocspsvc.ReasonGood)
	})
}

func TestAFingerprintOfAnotherCertificateIsNotChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		leaf := b.leaf()
		b.catalog.set(crl.Certificate{Fingerprint: leaf.Fingerprint(), Chain: b.ca.Leaf(t, at(url1)).ChainDER()})
		b.watcher.Sync()
		if b.status(leaf).Reason != ocspsvc.ReasonPending || len(b.book.Find(slog.LevelError, "a certificate is not checked")) != 1 {
			t.Errorf("status = %+v", b.status(leaf))
		}
	})
}

func TestListsAreReadAgainInTime(t *testing.T) {
	for name, c := range map[string]struct {
		life, first, last time.Duration
	}{
		"half-way":                  {8 * time.Hour, 228 * time.Minute, 4 * time.Hour},
		"every 12 h at most":        {30 * day, 684 * time.Minute, 12 * time.Hour},
		"lists that live a quarter": {15 * time.Minute, 427 * time.Second, 8 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := setUp(t, crl.Config{})
				b.leaf()
				list := b.publish()
				list.next = list.this.Add(c.life)
				b.one.serve(list.der(t))
				b.run()
				time.Sleep(c.first - 1)
				if n := b.one.count(); n != 1 {
					t.Errorf("%d requests before %v", n, c.first)
				}
				time.Sleep(c.last - c.first + 1)
				if n := b.one.count(); n < 2 {
					t.Errorf("not read again after %v", c.last)
				}
			})
		})
	}
}

func TestAListThatHasNotChangedIsNotSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		leaf := b.leaf()
		b.run()
		time.Sleep(day)
		hits := b.one.asked()
		if len(hits) < 2 || hits[0].header.Get("If-None-Match") != "" || hits[1].header.Get("If-None-Match") != `"2"` && hits[1].header.Get("If-None-Match") != `"1"` ||
			hits[1].header.Get("If-Modified-Since") != "Wed, 21 Oct 2015 07:28:00 GMT" || hits[1].status != 304 {
			t.Fatalf("asked %+v", hits)
		}
		b.wants("unchanged", leaf, crl.Good, ocspsvc.ReasonGood)
		time.Sleep(7 * day)
		b.wants("a server that never updates", leaf, crl.None, ocspsvc.ReasonExpired)
		last := b.one.asked()[b.one.count()-1]
		if last.status != 200 || !strings.HasPrefix(b.status(leaf).LastError, "expired: nextUpdate was ") {
			t.Errorf("asked %+v: %s", last, b.status(leaf).LastError)
		}
		b.publish(leaf)
		time.Sleep(2 * time.Hour)
		b.wants("updated", leaf, crl.Revoked, ocspsvc.ReasonRevoked)
	})
}

func TestNobodyTurnsTheClockBack(t *testing.T) {
	for name, c := range map[string]struct {
		change func(l *listing)
		want   string
	}{
		"an older thisUpdate": {func(l *listing) { l.this = l.this.Add(-14 * time.Hour) }, "too_old: thisUpdate "},
		"a lower number":      {func(l *listing) { l.number = 1 }, "too_old: cRLNumber 1 is below 2 of the list held"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := setUp(t, crl.Config{})
				leaf := b.leaf()
				b.publish(leaf)
				b.run()
				time.Sleep(6 * time.Hour)
				old := b.publish()
				c.change(old)
				b.one.serve(old.der(t))
				time.Sleep(6 * time.Hour)
				b.wants("rolled back", leaf, crl.Revoked, ocspsvc.ReasonRevoked)
				if s := b.status(leaf); !strings.HasPrefix(s.LastError, c.want) {
					t.Errorf("last error = %q", s.LastError)
				}
			})
		})
	}
}

func TestACAThatLostCountIsBelievedOnceItsListHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		leaf := b.leaf()
		list := b.publish()
		list.number, list.next = 1000, list.this.Add(day)
		b.one.serve(list.der(t))
		b.run()
		time.Sleep(time.Hour)
		b.publish(leaf)
		time.Sleep(22 * time.Hour)
		b.wants("while the list holds", leaf, crl.Good, ocspsvc.ReasonGood)
		time.Sleep(3 * time.Hour)
		b.wants("after its end", leaf, crl.Revoked, ocspsvc.ReasonRevoked)
	})
}

func TestAConfigThatMakesNoSenseIsRefusedByName(t *testing.T) {
	guard, _ := netguard.New(netguard.Config{})
	log := slog.New(slog.DiscardHandler)
	for want, cfg := range map[string]crl.Config{
		"crl: refresh_every must not be negative, is -1s":              {RefreshEvery: -time.Second},
		"crl: pace must not be negative, is -1s":                       {Pace: -time.Second},
		"crl: timeout must not be negative, is -1s":                    {Timeout: -time.Second},
		"crl: max_size must be between 0 and 62914560, is -1":          {MaxSize: -1},
		"crl: max_size must be between 0 and 62914560, is 99999999999": {MaxSize: 99999999999},
	} {
		if _, err := crl.New(cfg, newShelf(), guard, nil, nil, log); err == nil || err.Error() != want {
			t.Errorf("err = %v, want %s", err, want)
		}
		w, err := crl.New(crl.Config{}, newShelf(), guard, nil, nil, log)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Reconfigure(cfg, guard); err == nil || err.Error() != want {
			t.Errorf("err = %v, want %s", err, want)
		}
		if err := w.Reconfigure(crl.Config{}, nil); err == nil || err.Error() != "crl: a guard is needed" {
			t.Errorf("err = %v", err)
		}
	}
	if _, err := crl.New(crl.Config{}, nil, guard, nil, nil, log); err == nil || err.Error() != "crl: catalog, guard and log are needed" {
		t.Errorf("err = %v", err)
	}
}

func TestSerialsOfOtherLengthsAreNotMixedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{})
		small, large := b.leaf(ocsptest.Serial(127)), b.leaf(ocsptest.Serial(128))
		list := b.publish()
		list.entries = []entry{{serial: big.NewInt(128), at: time.Now()}, {serial: big.NewInt(0x80 << 8), at: time.Now()}}
		b.one.serve(list.der(t))
		b.run()
		b.settle()
		b.wants("127", small, crl.Good, ocspsvc.ReasonGood)
		b.wants("128", large, crl.Revoked, ocspsvc.ReasonRevoked)
	})
}

func TestANewCertificateGoesAheadOfListsThatAreMerelyDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setUp(t, crl.Config{Pace: time.Hour})
		list := newListing(b.ca)
		list.this, list.next = time.Now(), time.Now().Add(8*time.Hour)
		b.one.serve(list.der(t))
		for i := range 5 {
			b.leaf(at(fmt.Sprintf("http://one.example/%d.crl", i)))
		}
		b.run()
		time.Sleep(6*time.Hour + time.Minute) // they are due every hour or so, and one is read in an hour
		b.two.serve(newListing(b.ca).der(t))
		fresh := b.leaf(at(url2))
		b.watcher.Sync()
		time.Sleep(time.Hour)
		b.wants("new", fresh, crl.Good, ocspsvc.ReasonGood)
	})
}
