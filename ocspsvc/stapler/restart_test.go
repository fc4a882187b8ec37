package stapler_test

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/respstore"
	"dwaar/ocspsvc/stapler"
)

// load is the start of a process up to the moment it listens.
func (b *bench) load() {
	b.t.Helper()
	b.restart()
	if err := b.service.Load(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

func TestARestartWithADeadResponderStaplesTheFirstHandshake(t *testing.T) { // S1
	for name, stopped := range map[string]time.Duration{"at once": 0, "past half-life": 5 * day, "an hour before nextUpdate": 7*day - time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, leaves := setUp(t, stapler.Config{}, plain()(t), plain()(t))
				b.run()
				time.Sleep(2 * time.Second)
				b.stop()
				b.network.set("one.example", down)
				asked := b.network.count()
				time.Sleep(stopped)
				b.load()
				for _, l := range leaves {
					b.wantState("after Load", l, stapler.Fresh, ocspsvc.ReasonGood)
				}
				if b.network.count() != asked {
					t.Error("Load asked somebody")
				}
				if b.book.Loud() > 0 {
					t.Error("a restart was loud")
				}
			})
		})
	}
}

func TestMaxAgeCountsFromTheRefreshBeforeTheRestart(t *testing.T) { // S3
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t))
		b.one.Change(func(s *ocsptest.Settings) { s.Validity = 30 * day })
		b.run()
		synctest.Wait()
		b.stop()
		b.network.set("one.example", down)
		time.Sleep(7*day - time.Hour)
		b.load()
		b.wantState("an hour before max_age", leaves[0], stapler.Fresh, ocspsvc.ReasonGood)
		b.stop()
		time.Sleep(time.Hour)
		b.load()
		b.wantState("at max_age", leaves[0], stapler.None, ocspsvc.ReasonPending)
	})
}

func TestARefreshTimeInTheFutureCountsAsThisUpdate(t *testing.T) { // S3
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t))
		for name, refreshed := range map[string]time.Time{"in the future": time.Now().Add(100 * day), "missing": {}} {
			der := answer{this: -6 * day, next: 30 * day}.sign(t, b.ca, leaves[0])
			b.disk.write(t, respstore.Record{Leaf: leaves[0].Fingerprint(), Response: der, LastRefresh: refreshed, NotAfter: leaves[0].Cert.NotAfter})
			b.load()
			b.wantState(name, leaves[0], stapler.Fresh, ocspsvc.ReasonGood)
			if left := time.Until(b.catalog.staple(leaves[0]).Until); left > day {
				t.Errorf("%s: served for %v more, want what is left of 7 days after thisUpdate", name, left)
			}
		}
	})
}

func TestARestartKnowsThatACertificateIsRevoked(t *testing.T) { // V2, S4
	for name, stopped := range map[string]time.Duration{"at once": 0, "after nextUpdate": 30 * day} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, leaves := setUp(t, stapler.Config{}, plain()(t))
				b.one.Set(ocsptest.Revoked)
				b.run()
				synctest.Wait()
				b.stop()
				b.network.set("one.example", down)
				time.Sleep(stopped)
				b.load()
				b.wantState("after Load", leaves[0], stapler.None, ocspsvc.ReasonRevoked)
				if !b.catalog.isRevoked(leaves[0]) {
					t.Error("the catalog was not told")
				}
				if n := len(b.book.Find(slog.LevelError, "revoked")); n != 1 {
					t.Errorf("%d error lines, want 1", n)
				}
			})
		})
	}
}

func TestARestartAsksAtOnceWhetherARevocationWasTakenBack(t *testing.T) { // V2
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t))
		b.one.Set(ocsptest.Revoked)
		b.run()
		synctest.Wait()
		b.stop()
		b.one.Set(ocsptest.Good)
		time.Sleep(time.Minute)
		b.restart()
		b.run()
		time.Sleep(2 * time.Second)
		b.wantState("after the restart", leaves[0], stapler.Fresh, ocspsvc.ReasonGood)
	})
}

func TestARefreshByHandKnowsWhatIsStored(t *testing.T) { // S4
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t))
		older := answer{this: -day}.sign(t, b.ca, leaves[0])
		revoked := answer{status: ocspsvc.Revoked}.sign(t, b.ca, leaves[0])
		b.disk.write(t, respstore.Record{Leaf: leaves[0].Fingerprint(), Response: revoked, LastRefresh: time.Now()})
		b.network.set("one.example", says(older))
		b.service.Sync() // and nothing is loaded yet
		if _, err := b.service.Refresh(t.Context(), leaves[0].Fingerprint()); ocspsvc.ReasonOf(err) != ocspsvc.ReasonTooOld {
			t.Errorf("err = %v", err)
		}
		b.wantState("refreshed", leaves[0], stapler.None, ocspsvc.ReasonRevoked)
	})
}

func TestAStapleIsServableFromItsBeginningToBeforeItsEnd(t *testing.T) { // S3
	now := time.Now()
	for name, c := range map[string]struct {
		staple *stapler.Staple
		want   bool
	}{
		"none":           {nil, false},
		"empty":          {&stapler.Staple{From: now.Add(-time.Hour), Until: now.Add(time.Hour)}, false},
		"at its begin":   {&stapler.Staple{Response: []byte{1}, From: now.Round(0), Until: now.Add(time.Hour)}, true},
		"before that":    {&stapler.Staple{Response: []byte{1}, From: now.Add(1).Round(0), Until: now.Add(time.Hour)}, false},
		"at its end":     {&stapler.Staple{Response: []byte{1}, From: now.Add(-time.Hour), Until: now.Round(0)}, false},
		"just before it": {&stapler.Staple{Response: []byte{1}, From: now.Add(-time.Hour), Until: now.Add(1).Round(0)}, true},
	} {
		if got := c.staple.Servable(now); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestARevocationProducedLongAfterItsThisUpdateIsKnownToo(t *testing.T) { // V2
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t))
		der := answer{status: ocspsvc.Revoked, this: -2 * day, made: day, next: time.Hour}.sign(t, b.ca, leaves[0])
		b.disk.write(t, respstore.Record{Leaf: leaves[0].Fingerprint(), Response: der, LastRefresh: time.Now()})
		time.Sleep(day)
		b.load()
		b.wantState("expired", leaves[0], stapler.None, ocspsvc.ReasonRevoked)
	})
}

func TestAFetchedIssuerIsStoredSoThatARestartNeedsNoNetwork(t *testing.T) { // S1, S7
	synctest.Test(t, func(t *testing.T) {
		alone := func(ca *ocsptest.CA) *ocsptest.Leaf {
			return plain(ocsptest.CAIssuers("http://certs.example/ca.cer"))(t)(ca)
		}
		b, _ := setUp(t, stapler.Config{})
		leaf := alone(b.ca)
		b.catalog.set(stapler.Certificate{Fingerprint: leaf.Fingerprint(), Chain: [][]byte{leaf.Cert.Raw}})
		fetched := 0
		b.network.setIssuer(func(context.Context, *x509.Certificate) (*x509.Certificate, error) { fetched++; return b.ca.Cert, nil })
		b.run()
		time.Sleep(day)
		b.wantState("fetched", leaf, stapler.Fresh, ocspsvc.ReasonGood)
		if fetched != 1 {
			t.Errorf("the issuer was fetched %d times, want once", fetched)
		}
		b.stop()
		b.network.setIssuer(nil)
		b.network.set("one.example", down)
		b.load()
		b.wantState("restarted", leaf, stapler.Fresh, ocspsvc.ReasonGood)
	})
}

func TestAnIssuerThatDidNotIssueTheLeafIsNotUsed(t *testing.T) { // S7
	synctest.Test(t, func(t *testing.T) {
		b, _ := setUp(t, stapler.Config{})
		leaf := plain(ocsptest.CAIssuers("http://certs.example/ca.cer"))(t)(b.ca)
		twin := b.ca.Twin(t)
		b.catalog.set(stapler.Certificate{Fingerprint: leaf.Fingerprint(), Chain: [][]byte{leaf.Cert.Raw, twin.Cert.Raw}})
		b.network.setIssuer(func(context.Context, *x509.Certificate) (*x509.Certificate, error) { return twin.Cert, nil })
		b.run()
		time.Sleep(time.Second)
		b.wantState("with a twin", leaf, stapler.None, ocspsvc.ReasonWrongCertificate)
		b.network.setIssuer(func(context.Context, *x509.Certificate) (*x509.Certificate, error) { return b.ca.Cert, nil })
		time.Sleep(5 * time.Minute)
		b.wantState("with the issuer", leaf, stapler.Fresh, ocspsvc.ReasonGood)
	})
}

func TestAChainInAnyOrderHasItsIssuerFound(t *testing.T) { // S7
	synctest.Test(t, func(t *testing.T) {
		b, _ := setUp(t, stapler.Config{})
		leaf := plain()(t)(b.ca)
		chain := [][]byte{leaf.Cert.Raw, b.ca.Root.Cert.Raw, []byte("not a certificate"), b.ca.Twin(t).Cert.Raw, b.ca.Cert.Raw}
		b.catalog.set(stapler.Certificate{Fingerprint: leaf.Fingerprint(), Chain: chain})
		b.run()
		synctest.Wait()
		b.wantState("shuffled", leaf, stapler.Fresh, ocspsvc.ReasonGood)
	})
}

func TestAStoredStapleThatDoesNotHoldIsIgnoredAndRefetched(t *testing.T) { // S14
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t), plain()(t))
		leaf, other := leaves[0], leaves[1]
		b.catalog.remove(other)
		b.disk.write(t, respstore.Record{Leaf: leaf.Fingerprint(), Response: answer{}.sign(t, b.ca, leaf), LastRefresh: time.Now()})
		good := b.disk.file(leaf)
		b.disk.write(t, respstore.Record{Leaf: other.Fingerprint(), Response: answer{}.sign(t, b.ca, other), LastRefresh: time.Now()})
		swapped := b.disk.file(other)
		record := func(der []byte) []byte {
			b.disk.write(t, respstore.Record{Leaf: leaf.Fingerprint(), Response: der, LastRefresh: time.Now()})
			return b.disk.file(leaf)
		}
		fault := func(f ocsptest.Fault) []byte {
			b.one.Set(f)
			defer b.one.Set(ocsptest.Good)
			return record(b.one.DER(leaf))
		}
		for _, c := range []struct {
			name    string
			content []byte
			reason  ocspsvc.Reason
			quiet   bool
		}{
			{"foreign", []byte("#!/bin/sh"), ocspsvc.ReasonStoreError, false},
			{"corrupt", append(good[:100:100], 'x'), ocspsvc.ReasonStoreError, false},
			{"swapped file", swapped, ocspsvc.ReasonStoreError, false},
			{"swapped response", record(answer{}.sign(t, b.ca, other)), ocspsvc.ReasonWrongCertificate, false},
			{"badly signed", fault(ocsptest.BadSignature), ocspsvc.ReasonBadSignature, false},
			{"signed by another leaf", fault(ocsptest.LeafSigner), ocspsvc.ReasonUnauthorizedSigner, false},
			{"unknown", fault(ocsptest.Unknown), ocspsvc.ReasonUnknown, false},
			{"garbage", fault(ocsptest.Garbage), ocspsvc.ReasonMalformed, false},
			{"expired", fault(ocsptest.Expired), ocspsvc.ReasonExpired, true},
		} {
			b.disk.setFile(leaf, c.content)
			b.load()
			if got := b.catalog.staple(leaf); got != nil {
				t.Errorf("%s: attached", c.name)
			}
			lines := append(b.book.Find(slog.LevelWarn, "stored staple is ignored"), b.book.Find(slog.LevelDebug, "stored staple is ignored")...)
			if len(lines) != 1 || lines[0].Attrs["reason"] != string(c.reason) || (lines[0].Level == slog.LevelDebug) != c.quiet {
				t.Errorf("%s: lines = %+v, want one with reason %s", c.name, lines, c.reason)
			}
			b.run()
			time.Sleep(2 * time.Second)
			b.wantState(c.name+" refetched", leaf, stapler.Fresh, ocspsvc.ReasonGood)
			if string(b.disk.file(leaf)) == string(c.content) {
				t.Errorf("%s: not replaced on disk", c.name)
			}
		}
	})
}

func TestAStapleThatCannotBeStoredIsUsedAllTheSame(t *testing.T) { // S14
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t))
		b.disk.setBroken(errors.New("no space left on device"))
		b.run()
		synctest.Wait()
		b.wantState("on a full disk", leaves[0], stapler.Fresh, ocspsvc.ReasonGood)
		lines := b.book.Find(slog.LevelWarn, "could not be stored")
		if len(lines) != 1 || lines[0].Attrs["reason"] != "store_error" || lines[0].Attrs["err"] == "" {
			t.Errorf("warnings = %+v", lines)
		}
		b.disk.setBroken(nil)
		time.Sleep(13 * time.Hour)
		if b.disk.count() != 1 {
			t.Error("the next one was not stored either")
		}
	})
}

func TestADiskThatHangsDelaysAStapleByOneTimeout(t *testing.T) { // S14
	synctest.Test(t, func(t *testing.T) {
		b, _ := setUp(t, stapler.Config{})
		leaves := several(t, b.ca, 20, url1)
		b.catalog.put(leaves...)
		release := make(chan struct{})
		b.disk.written = func(string) { <-release }
		manual := plain()(t)(b.ca)
		b.catalog.put(manual)
		if err := b.service.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		b.service.Prime(t.Context())
		if took := time.Since(start); took > 3*time.Second {
			t.Errorf("the start took %v", took)
		}
		leaves = append(leaves, manual)
		b.run()
		time.Sleep(31 * time.Second)
		if n := b.catalog.serving(leaves); n != len(leaves) {
			t.Errorf("%d of %d are stapled over a hanging disk", n, len(leaves))
		}
		if n := len(b.book.Find(slog.LevelWarn, "could not be stored")); n != len(leaves) {
			t.Errorf("%d warnings for %d staples", n, len(leaves))
		}
		close(release)
		time.Sleep(13 * time.Hour)
		if b.disk.count() != len(leaves) {
			t.Errorf("%d of %d are stored after the disk came back", b.disk.count(), len(leaves))
		}
	})
}

func TestAStapleIsDurableBeforeItIsServed(t *testing.T) { // S14
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t))
		b.disk.written = func(string) {
			if b.catalog.staple(leaves[0]) != nil {
				t.Error("attached before it was stored")
			}
		}
		b.run()
		synctest.Wait()
		b.wantState("stored", leaves[0], stapler.Fresh, ocspsvc.ReasonGood)
	})
}

func TestStoredStaplesOfCertificatesLongGoneAreDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t), plain()(t))
		b.run()
		time.Sleep(time.Minute)
		b.catalog.remove(leaves[1])
		b.service.Sync()
		time.Sleep(29 * day)
		if b.disk.count() != 2 {
			t.Fatal("deleted too early, or never stored")
		}
		time.Sleep(3 * day)
		if b.disk.count() != 1 || b.disk.file(leaves[0]) == nil {
			t.Errorf("%d files are left", b.disk.count())
		}
	})
}

func TestTheStoreOfADirectoryServesARestart(t *testing.T) { // S1
	// The one test over a real file system and a real clock.
	b, leaves := setUp(t, stapler.Config{}, plain()(t))
	dir := t.TempDir()
	for range 2 {
		b.restartOn(dir)
		if err := b.service.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.service.Prime(t.Context())
		b.wantState("started", leaves[0], stapler.Fresh, ocspsvc.ReasonGood)
		b.network.set("one.example", down)
	}
}
