package stapler_test

import (
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/respstore"
	"dwaar/ocspsvc/stapler"
)

// record is what another node stores for a leaf.
func recordOf(l *ocsptest.Leaf, der []byte, refreshed time.Time) respstore.Record {
	return respstore.Record{Leaf: l.Fingerprint(), NotAfter: l.Cert.NotAfter, Response: der, LastRefresh: refreshed}
}

// What is held is good, an hour old. Another node stores something, and says so.
func TestWhatAnotherNodeStoresIsJudgedLikeAnAnswer(t *testing.T) { // S4, S14
	type state struct {
		state  stapler.State
		reason ocspsvc.Reason
		news   bool // what is stored is taken over
	}
	kept, gone := state{stapler.Fresh, ocspsvc.ReasonGood, false}, state{stapler.None, ocspsvc.ReasonRevoked, true}
	for name, test := range map[string]struct {
		stored func(t *testing.T, b *bench, l *ocsptest.Leaf) []byte
		want   state
	}{
		"a later good one": {func(t *testing.T, b *bench, l *ocsptest.Leaf) []byte {
			return answer{this: -time.Minute}.sign(t, b.ca, l)
		},
			state{stapler.Fresh, ocspsvc.ReasonGood, true}},
		"an older good one": {func(t *testing.T, b *bench, l *ocsptest.Leaf) []byte { return answer{this: -day}.sign(t, b.ca, l) }, kept},
		"a revoked one": {func(t *testing.T, b *bench, l *ocsptest.Leaf) []byte {
			return answer{status: ocspsvc.Revoked, this: -time.Minute}.sign(t, b.ca, l)
		}, gone},
		"a revoked one that has ended": {func(t *testing.T, b *bench, l *ocsptest.Leaf) []byte {
			return answer{status: ocspsvc.Revoked, this: -30 * time.Minute, next: 29 * time.Minute}.sign(t, b.ca, l)
		}, gone},
		"one that has ended": {func(t *testing.T, b *bench, l *ocsptest.Leaf) []byte {
			return answer{this: -2 * time.Hour, next: time.Hour}.sign(t, b.ca, l)
		}, kept},
		"that of another leaf": {func(t *testing.T, b *bench, _ *ocsptest.Leaf) []byte {
			return answer{}.sign(t, b.ca, plain()(t)(b.ca))
		}, kept},
		"that of another CA": {func(t *testing.T, _ *bench, l *ocsptest.Leaf) []byte { return answer{}.sign(t, ocsptest.NewCA(t), l) }, kept},
		"a damaged one": {func(t *testing.T, b *bench, l *ocsptest.Leaf) []byte {
			der := answer{}.sign(t, b.ca, l)
			der[len(der)-5] ^= 1
			return der
		}, kept},
		"garbage": {func(*testing.T, *bench, *ocsptest.Leaf) []byte { return []byte("garbage") }, kept},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, leaves := setUp(t, stapler.Config{}, plain()(t))
				leaf := leaves[0]
				b.network.set("one.example", says(answer{this: -time.Hour}.sign(t, b.ca, leaf)))
				b.run()
				time.Sleep(time.Minute)
				asked, before := b.network.count(), b.status(leaf)
				stored := test.stored(t, b, leaf)
				b.disk.write(t, recordOf(leaf, stored, time.Now()))
				content := b.disk.file(leaf)
				for range 3 {
					b.service.Stored(leaf.Fingerprint())
					time.Sleep(time.Second)
				}
				b.wantState("then", leaf, test.want.state, test.want.reason)
				if taken := !b.status(leaf).LastRefresh.Equal(before.LastRefresh); taken != test.want.news {
					t.Errorf("taken over = %v", taken)
				}
				if got := b.catalog.isRevoked(leaf); got != (test.want.state == stapler.None) {
					t.Errorf("the catalog was told that it is revoked: %v", got)
				}
				if b.network.count() != asked {
					t.Error("somebody was asked")
				}
				if !slices.Equal(b.disk.file(leaf), content) {
					t.Error("something was stored")
				}
				if n := len(b.book.Find(slog.LevelWarn, "")); n > 1 {
					t.Errorf("%d warnings of the same", n)
				}
				if !test.want.news && !b.status(leaf).NextTry.Equal(before.NextTry) {
					t.Errorf("next try was %v and is %v", before.NextTry, b.status(leaf).NextTry)
				}
			})
		})
	}
}

func TestAForeignFileOfAnotherNodeIsIgnored(t *testing.T) { // S14
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t))
		b.run()
		time.Sleep(time.Minute)
		b.disk.setFile(leaves[0], []byte("something else"))
		b.service.Stored(leaves[0].Fingerprint())
		b.service.Stored([32]byte{1, 2, 3}) // and nobody knows that one
		time.Sleep(time.Minute)
		b.wantState("then", leaves[0], stapler.Fresh, ocspsvc.ReasonGood)
		if n := b.network.count(); n != 1 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestARevocationAndItsEndReachTheOtherNodes(t *testing.T) { // V1, V2
	synctest.Test(t, func(t *testing.T) {
		c := setUpCluster(t, 3, stapler.Config{}, plains(t, 1)...)
		leaf := c.leaves[0]
		c.runAll(true)
		time.Sleep(time.Hour)
		for i, fault := range []ocsptest.Fault{ocsptest.OnHold, ocsptest.Good} {
			c.one.Set(fault)
			time.Sleep(time.Second)
			if _, err := c.nodes[i].service.Refresh(t.Context(), leaf.Fingerprint()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			for j, n := range c.nodes {
				if revoked := n.catalog.isRevoked(leaf); revoked != (fault == ocsptest.OnHold) || revoked == n.catalog.serves(leaf) {
					t.Errorf("after %s: node %d: revoked = %v, stapled = %v", fault, j, revoked, n.catalog.serves(leaf))
				}
			}
			c.wantFetches(string(fault), i+2, i+2)
		}
		for j, n := range c.nodes {
			want := []string{"detached", `revocation "revoked"`, `revocation "good"`}
			if got := n.catalog.history(); !slices.Equal(got, want) {
				t.Errorf("node %d was told %v, want %v", j, got, want)
			}
		}
	})
}

func TestARefreshByHandReachesTheOtherNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := setUpCluster(t, 3, stapler.Config{}, plains(t, 2)...)
		c.runAll(true)
		time.Sleep(time.Hour)
		if _, err := c.nodes[2].service.Refresh(t.Context(), c.leaves[1].Fingerprint()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		c.wantFetches("by hand", 3, 3)
		want := c.nodes[2].catalog.staple(c.leaves[1]).Response
		for i, n := range c.nodes {
			if !slices.Equal(n.catalog.staple(c.leaves[1]).Response, want) {
				t.Errorf("node %d has another staple", i)
			}
		}
		if n := c.written(); n != 3 {
			t.Errorf("%d records were written, want 3", n)
		}
	})
}

// A node that was cut off brings what it still owed: a good answer from before
// the revocation.
func TestAStaleWriteDoesNotHideARevocation(t *testing.T) { // V1, V2
	synctest.Test(t, func(t *testing.T) {
		c := setUpCluster(t, 2, stapler.Config{}, plains(t, 1)...)
		leaf := c.leaves[0]
		c.runAll(true)
		time.Sleep(time.Hour)
		owed := c.disk.file(leaf)
		c.one.Set(ocsptest.Revoked)
		if _, err := c.nodes[0].service.Refresh(t.Context(), leaf.Fingerprint()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		c.disk.setFile(leaf, owed)
		for _, n := range c.nodes {
			n.service.Stored(leaf.Fingerprint())
		}
		time.Sleep(time.Minute)
		if n := c.written(); n < 3 || n > 4 {
			t.Errorf("%d writes, want one or two more", n)
		}
		late := c.join(stapler.Config{})
		late.fetcher = down
		late.run(false)
		time.Sleep(time.Second)
		for i, n := range c.nodes {
			if !n.catalog.isRevoked(leaf) || n.catalog.serves(leaf) {
				t.Errorf("node %d does not know that it is revoked", i)
			}
		}
	})
}

// Notices come while a round is going on, and for what is not known yet.
func TestANoticeDuringARoundIsLookedAtAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, leaves := setUp(t, stapler.Config{}, plain()(t))
		leaf := leaves[0]
		b.run()
		time.Sleep(time.Minute)
		b.one.Change(func(s *ocsptest.Settings) { s.Fault, s.Delay = ocsptest.InternalError, 5*time.Second })
		go b.service.Refresh(t.Context(), leaf.Fingerprint())
		time.Sleep(time.Second)
		b.disk.write(t, recordOf(leaf, answer{status: ocspsvc.Revoked}.sign(t, b.ca, leaf), time.Now()))
		b.service.Stored(leaf.Fingerprint())
		time.Sleep(5 * time.Second)
		b.wantState("after the round", leaf, stapler.None, ocspsvc.ReasonRevoked)
	})
}

func TestAFloodOfNoticesIsWorkedOffInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := setUpCluster(t, 1, stapler.Config{}, plains(t, 3)...)
		c.runAll(true)
		time.Sleep(time.Minute)
		before := c.looked()
		for i := range 100_000 {
			c.nodes[0].service.Stored(c.leaves[i%3].Fingerprint())
			c.nodes[0].service.Stored([32]byte{byte(i), byte(i >> 8), byte(i >> 16)})
			c.nodes[0].service.StoredAll()
			if i%100 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
		time.Sleep(time.Minute)
		if n := c.looked() - before; n < 3 || n > 100 {
			t.Errorf("%d reads", n)
		}
		c.wantFetches("a flood", 3, 3)
		c.wantStapled("a flood")
	})
}

func TestEverythingIsLookedAtBitByBit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := setUpCluster(t, 2, stapler.Config{Pace: -1}, plains(t, 200)...)
		c.nodes[1].deaf = true
		c.runAll(true)
		time.Sleep(time.Hour)
		for _, l := range c.leaves {
			if _, err := c.nodes[0].service.Refresh(t.Context(), l.Fingerprint()); err != nil {
				t.Fatal(err)
			}
		}
		before := c.looked()
		c.nodes[1].service.StoredAll()
		time.Sleep(100 * time.Millisecond)
		if n := c.looked() - before; n > 60 {
			t.Errorf("%d reads in a tenth of a second", n)
		}
		time.Sleep(5 * time.Second)
		if n := c.looked() - before; n != 200 {
			t.Errorf("%d reads, want 200", n)
		}
		for i, l := range c.leaves {
			if a, b := c.nodes[0].catalog.staple(l), c.nodes[1].catalog.staple(l); !slices.Equal(a.Response, b.Response) {
				t.Errorf("leaf %d is not as the other node has it", i)
			}
		}
	})
}

func TestEverythingIsLookedAtAlsoWhileMuchIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := setUpCluster(t, 1, stapler.Config{Pace: -1}, plains(t, 200)...)
		n := c.nodes[0]
		c.runAll(true)
		time.Sleep(time.Minute)
		before := c.looked()
		n.service.StoredAll()
		for range 100 {
			n.service.Stored(c.leaves[0].Fingerprint())
			time.Sleep(50 * time.Millisecond)
		}
		if n := c.looked() - before; n < 200+5 {
			t.Errorf("%d reads, want all 200 and some of the one that was named", n)
		}
	})
}

// Storage fails at the moment at which it is said to have something.
func TestANoticeOutlivesAFailureOfStorage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := setUpCluster(t, 2, stapler.Config{}, plains(t, 1)...)
		c.runAll(true)
		time.Sleep(time.Hour)
		c.nodes[1].set(func(n *node) { n.fault = errStorageDown })
		c.one.Set(ocsptest.Revoked)
		if _, err := c.nodes[0].service.Refresh(t.Context(), c.leaves[0].Fingerprint()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		c.nodes[1].mend()
		time.Sleep(15 * time.Second)
		if !c.nodes[1].catalog.isRevoked(c.leaves[0]) {
			t.Error("the revocation was missed")
		}
	})
}
