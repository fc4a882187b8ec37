package relay_test

import (
	"crypto"
	"math/big"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/relay"
)

const day = 24 * time.Hour

func now() time.Time { return time.Now() }

func TestAnAnswerIsAskedForOnceAndThenServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		leaf := d.ca.Leaf(t)
		d.want("at first", leaf, "good", 1)
		d.want("then", leaf, "good", 1)
		if d.count("hits_total") != 1 || d.count("misses_total", "fetched") != 1 || d.count("upstream_total", "good") != 1 {
			t.Error("the counters disagree")
		}
	})
}

// The very bytes that the responder sent.
func TestTheResponseIsRelayedAsItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		leaf := d.ca.Leaf(t)
		req := &ocspsvc.Request{CertIDs: []ocspsvc.CertID{d.certID(leaf, crypto.SHA1)}}
		first, err := d.relay.Respond(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		second, err := d.relay.Respond(t.Context(), req)
		if err != nil || string(first.Raw) != string(second.Raw) || len(first.Raw) < 100 {
			t.Errorf("%d and %d octets, %v", len(first.Raw), len(second.Raw), err)
		}
	})
}

func TestEachHashHasItsOwnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		leaf := d.ca.Leaf(t)
		for range 2 {
			for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256} {
				if got := d.respond(&ocspsvc.Request{CertIDs: []ocspsvc.CertID{d.certID(leaf, hash)}}); got != "good" {
					t.Errorf("%s: %s", hash, got)
				}
			}
		}
		if n := d.responder.Count(); n != 2 {
			t.Errorf("%d requests, want one for each hash", n)
		}
	})
}

func TestAThousandEqualMissesAreOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		leaf := d.ca.Leaf(t)
		d.responder.Change(func(s *ocsptest.Settings) { s.Delay = time.Second })
		var askers sync.WaitGroup
		for range 1000 {
			askers.Go(func() {
				if got := d.ask(leaf); got != "good" {
					t.Errorf("answer = %q", got)
				}
			})
		}
		askers.Wait()
		if n := d.responder.Count(); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

func TestWhoWaitsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.cfg.Limits.Waiting = 10
		d.open()
		leaf := d.ca.Leaf(t)
		d.responder.Change(func(s *ocsptest.Settings) { s.Delay = time.Second })
		var askers sync.WaitGroup
		var mu sync.Mutex
		words := map[string]int{}
		for range 30 {
			askers.Go(func() {
				word := d.ask(leaf)
				mu.Lock()
				defer mu.Unlock()
				words[word]++
			})
		}
		askers.Wait()
		if words["good"] != 10 || words["tryLater"] != 20 || d.count("misses_total", "full") != 20 {
			t.Errorf("answers: %v", words)
		}
	})
}

func TestOtherIssuersAreNotAnsweredFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		for name, ca := range map[string]*ocsptest.CA{"another": ocsptest.NewCA(t), "the root": d.ca.Root, "a twin": d.ca.Twin(t)} {
			if got := d.ask(ca.Leaf(t)); got != "not ours" {
				t.Errorf("%s: %q", name, got)
			}
		}
		id := d.certID(d.ca.Leaf(t), crypto.SHA1)
		id.Hash, id.Raw = 0, nil
		if got := d.respond(&ocspsvc.Request{CertIDs: []ocspsvc.CertID{id}}); got != "not ours" {
			t.Errorf("an unknown hash: %q", got)
		}
		if got := d.respond(&ocspsvc.Request{}); got != "not ours" {
			t.Errorf("nothing: %q", got)
		}
		if len(d.Dials()) != 0 {
			t.Errorf("dialled %q", d.Dials())
		}
	})
}

func TestAnAbsurdSerialIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		leaf := d.ca.Leaf(t)
		leaf.Cert.SerialNumber = new(big.Int).Lsh(big.NewInt(1), 8*2000)
		d.want("2000 octets", leaf, "malformedRequest", 0)
	})
}

// Made-up serials push no answers out, and each is asked for once in a while.
func TestUnknownIsHeldForAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		leaf := d.ca.Leaf(t)
		d.responder.Set(ocsptest.Unknown)
		d.want("at first", leaf, "unknown", 1)
		d.want("then", leaf, "unknown", 1)
		d.responder.Set(ocsptest.Good)
		time.Sleep(time.Minute)
		d.want("after a minute", leaf, "good", 2)
		if len(d.disk.keys()) != 1 {
			t.Errorf("%d answers are stored", len(d.disk.keys()))
		}
	})
}

func TestAnAnswerWithoutNextUpdateIsHeldForAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		leaf := d.ca.Leaf(t)
		d.responder.Set(ocsptest.NoNextUpdate)
		d.want("at first", leaf, "good", 1)
		d.want("then", leaf, "good", 1)
		time.Sleep(time.Minute)
		d.want("after a minute", leaf, "good", 2)
		if len(d.disk.keys()) != 0 {
			t.Error("it was stored")
		}
	})
}

func TestAResponderThatIsNotAuthorizedIsBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		leaf := d.ca.Leaf(t)
		d.responder.Set(ocsptest.Unauthorized)
		d.want("at first", leaf, "unauthorized", 1)
		d.want("then", leaf, "unauthorized", 1)
	})
}

func TestMemoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.cfg.Limits.Bytes = 20_000
		d.cfg.Limits.Stored = 5
		d.open()
		for range 30 {
			if got := d.ask(d.ca.Leaf(t)); got != "good" {
				t.Errorf("answer = %q", got)
			}
			synctest.Wait()
		}
		if n, bytes := d.count("answers", "asked"), d.count("bytes"); n < 5 || n > 15 || bytes > 20_000 {
			t.Errorf("%v answers of %v octets are in memory", n, bytes)
		}
		if len(d.disk.keys()) != 5 || d.count("stored") != 5 || d.count("store_errors_total") != 25 {
			t.Errorf("%d answers are stored", len(d.disk.keys()))
		}
	})
}

// Behind many others the answer may come later than anybody waits.
func TestNobodyWaitsForLongerThanTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.responder.Change(func(s *ocsptest.Settings) { s.Delay = 6 * time.Second })
		leaves := make([]*ocsptest.Leaf, 12)
		var askers sync.WaitGroup
		for i := range leaves {
			leaves[i] = d.ca.Leaf(t)
			askers.Go(func() { d.ask(leaves[i]) })
		}
		begun := time.Now()
		askers.Wait()
		if took := time.Since(begun); took != relay.DefaultTimeout {
			t.Errorf("the last one waited for %v", took)
		}
		time.Sleep(10 * time.Second)
		for _, leaf := range leaves {
			d.want("later", leaf, "good", 1)
		}
	})
}

func TestAnAskerWhoLeavesLeavesTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		leaf := d.ca.Leaf(t)
		d.responder.Change(func(s *ocsptest.Settings) { s.Delay = 2 * time.Second })
		ctx, cancel := contextFor(t, time.Second)
		defer cancel()
		_, err := d.relay.Respond(ctx, &ocspsvc.Request{CertIDs: []ocspsvc.CertID{d.certID(leaf, crypto.SHA1)}})
		if err == nil {
			t.Error("an answer before its time")
		}
		time.Sleep(2 * time.Second)
		d.want("later", leaf, "good", 1)
	})
}

func TestTheEndOfRunAnswersWhoStillWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		leaf := d.ca.Leaf(t)
		d.responder.Set(ocsptest.Hang)
		var asker sync.WaitGroup
		asker.Go(func() {
			if got := d.ask(leaf); got != "tryLater" {
				t.Errorf("answer = %q", got)
			}
		})
		synctest.Wait()
		begun := time.Now()
		d.close()
		asker.Wait()
		if got := d.ask(d.ca.Leaf(t)); got != "tryLater" || time.Since(begun) != 0 {
			t.Errorf("after Run: %q, %v later", got, time.Since(begun))
		}
		if d.book.Loud() != 0 || d.count("responders_down") != 0 {
			t.Error("the responder was blamed")
		}
	})
}
