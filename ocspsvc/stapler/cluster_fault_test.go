package stapler_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/stapler"
)

// What was read before the lease is from before the other node had finished.
func TestANodeLooksAgainWhenItHasTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := setUpCluster(t, 2, stapler.Config{StartWait: 10 * time.Second}, plains(t, 1)...)
		c.one.Change(func(s *ocsptest.Settings) { s.Delay = 500 * time.Millisecond })
		c.nodes[1].late, c.nodes[1].deaf = 700*time.Millisecond, true
		c.nodes[1].service.Sync()
		go c.nodes[0].run(false)
		c.nodes[1].service.Prime(t.Context()) // without Load, which would look too
		time.Sleep(10 * time.Second)
		c.wantStapled("then")
		c.wantFetches("then", 1, 1)
	})
}

// The node that has asked does not come to give the lease back.
func TestANodeTakesOverWhatIsStoredAlsoUnderTheLeaseOfAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := setUpCluster(t, 2, stapler.Config{}, plains(t, 1)...)
		leaf := c.leaves[0]
		c.leases["ocsp_"+hexOf(leaf)] = leaseOf{holder: c.nodes[0]}
		c.nodes[0].apart, c.nodes[1].deaf = true, true
		go c.nodes[1].run(false)
		time.Sleep(5 * time.Second)
		c.disk.write(t, recordOf(leaf, c.one.DER(leaf), time.Now()))
		time.Sleep(2 * time.Second)
		c.wantStapled("then")
		c.wantFetches("then", 0, 0)
	})
}

// The node that asks is killed in the middle of it.
func TestAnotherNodeTakesOverWhenTheOneThatAsksDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := setUpCluster(t, 3, stapler.Config{}, plains(t, 1)...)
		c.one.Change(func(s *ocsptest.Settings) { s.Delay = 5 * time.Second })
		first := c.nodes[0]
		first.apart = true
		first.run(false)
		time.Sleep(2 * time.Second) // it has the lease, and asks
		died := time.Now()
		first.die()
		c.one.Change(func(s *ocsptest.Settings) { s.Delay = 0 })
		go c.nodes[1].run(false)
		go c.nodes[2].run(false)
		time.Sleep(leaseTime - 2*time.Second)
		c.wantFetches("before the lease has ended", 1, 1)
		for c.nodes[1].catalog.serving(c.leaves) == 0 || c.nodes[2].catalog.serving(c.leaves) == 0 {
			if time.Since(died) > leaseTime+3*time.Second {
				t.Fatal("nobody took over within the lease time")
			}
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(time.Hour)
		c.wantFetches("an hour later", 2, 2)
		c.wantQuiet("a lease of another node")
		for i, n := range c.usual() {
			if s := n.service.Status(c.leaves[0].Fingerprint()); s.LastError != "" {
				t.Errorf("node %d: last error = %s", i, s.LastError)
			}
		}
	})
}

// A lease that nobody gives back must not be the end of a staple.
func TestALeaseThatIsHeldForEverKeepsNobodyFromAsking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := setUpCluster(t, 2, stapler.Config{}, plains(t, 1)...)
		c.join(stapler.Config{})
		stuck := c.nodes[2]
		c.nodes = c.nodes[:2]
		c.leases["ocsp_"+hexOf(c.leaves[0])] = leaseOf{holder: stuck}
		c.runAll(true)
		c.wantFetches("as long as the holder may be busy", 0, 0)
		time.Sleep(2 * time.Minute)
		c.wantStapled("then")
		c.wantFetches("then", 1, 2)
		time.Sleep(10 * day)
		c.wantStapled("and on")
		c.wantQuiet("a stuck lease")
	})
}

// While the responder is down each node tries for itself, as it may be the one
// that reaches it, no more often than a node alone.
func TestAnOutageOfTheResponderIsMetByEachNodeAsIfAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := setUpCluster(t, 3, stapler.Config{MaxAge: 30 * day}, plains(t, 1)...)
		c.runAll(true)
		c.network.set("one.example", down)
		time.Sleep(7 * day)
		c.wantFetches("a week", 30, 3*300)
		c.network.set("one.example", c.one)
		before := c.network.count()
		for c.one.Count() < 2 {
			time.Sleep(time.Second)
		}
		time.Sleep(time.Second)
		c.wantStapled("a second after the first node has got through")
		time.Sleep(3 * time.Hour)
		c.wantFetches("when it is back", before+1, before+1)
		for i, n := range c.nodes {
			if got := gauge(t, n.service, "dwaar_ocsp_responders_down"); got != 0 {
				t.Errorf("node %d still counts %v responders as down", i, got)
			}
			if s := n.service.Status(c.leaves[0].Fingerprint()); s.LastError != "" || s.Reason != ocspsvc.ReasonGood || time.Until(s.NextTry) < time.Hour {
				t.Errorf("node %d: %+v", i, s)
			}
		}
	})
}

// One node cannot reach the responder at all; the other does it for both.
func TestANodeThatReachesNobodyIsStapledByTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := setUpCluster(t, 2, stapler.Config{}, plains(t, 10)...)
		c.nodes[0].fetcher = down
		c.runAll(false)
		time.Sleep(time.Minute)
		c.wantStapled("after a minute")
		for range 10 {
			time.Sleep(day)
			c.wantStapled("day by day")
		}
		c.wantFetches("of the one that does", 10*20, 10*24)
		if n := len(c.nodes[0].book.Find(slog.LevelWarn, "failed")); n > 10*24*2 {
			t.Errorf("the other one has failed %d times in ten days", n)
		}
	})
}

func TestStorageThatFailsLeavesEachNodeAlone(t *testing.T) {
	hung := func(obeys bool) func(*node) {
		return func(n *node) { n.hangs, n.obeys = make(chan struct{}), obeys }
	}
	for name, test := range map[string]struct {
		breaks func(*node)
		least  int // of nodes that ask each time
	}{
		"down":                 {func(n *node) { n.fault = errStorageDown }, 3},
		"has leases no more":   {func(n *node) { n.noLeases = errStorageDown }, 1},
		"hangs":                {hung(true), 3},
		"hangs and obeys none": {hung(false), 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := setUpCluster(t, 3, stapler.Config{}, plains(t, 4)...)
				c.runAll(true)
				time.Sleep(time.Hour)
				for _, n := range c.nodes {
					n.set(test.breaks)
				}
				time.Sleep(5 * day)
				c.wantStapled("five days later")
				c.wantFetches("five days later", 4+test.least*4*9, 4+3*4*12)
				for i, n := range c.nodes {
					if got := len(n.book.Find(slog.LevelWarn, "without regard to other nodes")); got != 1 {
						t.Errorf("node %d said %d times that storage fails, want 1", i, got)
					}
					n.mend()
				}
				time.Sleep(day)
				before := c.network.count()
				time.Sleep(5 * day)
				c.wantStapled("when it is back")
				c.wantFetches("when it is back", before+4*9, before+4*13)
				if n := c.leased(); n > 0 {
					t.Errorf("%d leases are left", n)
				}
			})
		})
	}
}

// The one worker has other certificates to look after.
func TestLeasesThatHangDoNotHoldUpTheWorker(t *testing.T) {
	for name, obeys := range map[string]bool{"until the context ends": true, "for ever": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := setUpCluster(t, 1, stapler.Config{}, plains(t, 30)...)
				c.nodes[0].obeys = obeys
				c.nodes[0].leasesHang = make(chan struct{})
				c.runAll(false)
				time.Sleep(45 * time.Second) // 30 of them by the pace of a second
				c.wantStapled("after 45 s")
				close(c.nodes[0].leasesHang)
				time.Sleep(time.Hour)
				if n := c.leased(); n > 0 {
					t.Errorf("%d leases that came late are left", n)
				}
			})
		})
	}
}

func TestAColdStartIsStapledAlsoWhenTheLeasesHang(t *testing.T) { // S1
	synctest.Test(t, func(t *testing.T) {
		c := setUpCluster(t, 1, stapler.Config{}, plains(t, 5)...)
		c.nodes[0].set(func(n *node) { n.hangs, n.obeys = make(chan struct{}), true })
		start := time.Now()
		c.nodes[0].service.Sync()
		c.nodes[0].service.Prime(t.Context())
		c.wantStapled("when Prime returns")
		if took := time.Since(start); took > stapler.DefaultStartWait+time.Second {
			t.Errorf("Prime took %v", took)
		}
		c.nodes[0].mend()
	})
}

func TestSlowStorageIsSharedAllTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := setUpCluster(t, 3, stapler.Config{}, plains(t, 6)...)
		for _, n := range c.nodes {
			n.slow = 300 * time.Millisecond
		}
		c.runAll(false)
		time.Sleep(time.Minute)
		c.wantStapled("after a minute")
		c.wantFetches("after a minute", 6, 6)
		time.Sleep(10 * day)
		c.wantStapled("after ten days")
		c.wantFetches("ten days", 6*20, 6*24)
		c.wantQuiet("slow storage")
	})
}

// Clocks a minute apart: also of what a responder only repeats, whose age is
// counted from the last refresh.
func TestNodesWhoseClocksDifferRefreshAsOftenAsOne(t *testing.T) {
	for name, responder := range map[string]func(*cluster) stapler.Fetcher{
		"signs each answer": func(c *cluster) stapler.Fetcher { return c.one },
		"repeats its answer": func(c *cluster) stapler.Fetcher {
			return says(answer{this: -6 * day, next: 90 * day}.sign(c.t, c.ca, c.leaves[0]))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := setUpCluster(t, 3, stapler.Config{}, plains(t, 1)...)
				c.network.set("one.example", responder(c))
				c.nodes[1].skew, c.nodes[2].skew = time.Minute, -time.Minute
				c.runAll(true)
				for range 10 {
					time.Sleep(day)
					c.wantStapled("day by day")
				}
				c.wantFetches("ten days", 20, 23)
				c.wantQuiet("ten days")
			})
		})
	}
}

// A responder that says the same until a day before its end, so that everybody
// is past half-life and asks every hour: all nodes together as often as one.
func TestPastHalfLifeAllNodesTogetherAskHourly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := setUpCluster(t, 3, stapler.Config{}, plains(t, 1)...)
		c.network.set("one.example", says(answer{this: -5 * day, next: 2 * day}.sign(t, c.ca, c.leaves[0])))
		c.runAll(true)
		time.Sleep(day)
		c.wantFetches("a day", 22, 30)
		before := c.network.count()
		for c.network.count() == before {
			time.Sleep(time.Minute)
		}
		c.nodes[1].build() // a node that starts anew finds it, and asks no sooner
		c.nodes[1].run(true)
		time.Sleep(10 * time.Minute)
		c.wantFetches("a restart", before+1, before+1)
		c.wantStapled("a restart")
	})
}

// A clock that is a day ahead makes itself ridiculous, and not the others busy.
func TestANodeWithAClockADayAheadMakesTheOthersAskAtMostOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := setUpCluster(t, 2, stapler.Config{}, plains(t, 1)...)
		c.nodes[1].skew = day
		c.runAll(true)
		time.Sleep(5 * day)
		c.wantStapled("five days later")
		c.wantFetches("five days", 10, 2*14)
	})
}

func TestNodesWithOtherTermsDoNotDisturbEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := setUpCluster(t, 2, stapler.Config{}, plains(t, 1)...)
		strict, off := c.join(stapler.Config{RequireNextUpdate: true}), c.join(stapler.Config{})
		strict.apart, off.apart = true, true
		off.catalog.set(stapler.Certificate{Fingerprint: c.leaves[0].Fingerprint(), Chain: c.leaves[0].ChainDER(), Disabled: true})
		c.one.Set(ocsptest.NoNextUpdate)
		c.network.set("one.example", stapler.FromSource(c.one))
		c.runAll(true)
		time.Sleep(day)
		c.wantStapled("a day later")
		c.wantQuiet("on the usual terms")
		if strict.catalog.serving(c.leaves)+off.catalog.serving(c.leaves) > 0 {
			t.Error("a staple is served against the terms")
		}
		if n := len(strict.book.Find(slog.LevelWarn, "ignored")); n > 1 {
			t.Errorf("the strict one complained %d times about what is stored", n)
		}
	})
}

// Two answers at the same time: a refresh by hand and one by schedule.
func TestARefreshByHandWaitsForTheRoundOfAnotherNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := setUpCluster(t, 2, stapler.Config{}, plains(t, 1)...)
		c.one.Change(func(s *ocsptest.Settings) { s.Delay = time.Second })
		c.nodes[0].run(false)
		time.Sleep(500 * time.Millisecond)
		c.one.Set(ocsptest.Revoked)
		c.nodes[1].service.Sync()
		if _, err := c.nodes[1].service.Refresh(t.Context(), c.leaves[0].Fingerprint()); err != nil {
			t.Fatal(err)
		}
		c.wantFetches("one each", 2, 2)
		if got := c.one.Hits(); got[1].Time.Sub(got[0].Time) < time.Second {
			t.Error("both have asked at the same time")
		}
	})
}

// Another node knows that it is revoked, and a replica of the responder does not yet.
func TestARefreshByHandKnowsWhatAnotherNodeHasStored(t *testing.T) { // S4
	synctest.Test(t, func(t *testing.T) {
		c := setUpCluster(t, 2, stapler.Config{}, plains(t, 1)...)
		leaf := c.leaves[0]
		c.nodes[1].deaf = true
		c.runAll(true)
		older := says(c.one.DER(leaf))
		time.Sleep(time.Hour)
		c.one.Set(ocsptest.Revoked)
		if _, err := c.nodes[0].service.Refresh(t.Context(), leaf.Fingerprint()); err != nil {
			t.Fatal(err)
		}
		c.network.set("one.example", older)
		if _, err := c.nodes[1].service.Refresh(t.Context(), leaf.Fingerprint()); ocspsvc.ReasonOf(err) != ocspsvc.ReasonTooOld {
			t.Errorf("err = %v", err)
		}
		if !c.nodes[1].catalog.isRevoked(leaf) {
			t.Error("the catalog was not told")
		}
	})
}

func TestARefreshByHandDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := setUpCluster(t, 2, stapler.Config{}, plains(t, 1)...)
		c.leases["ocsp_"+hexOf(c.leaves[0])] = leaseOf{holder: c.nodes[1]}
		c.nodes[0].service.Sync()
		start := time.Now()
		if _, err := c.nodes[0].service.Refresh(t.Context(), c.leaves[0].Fingerprint()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took > 4*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestAShutdownGivesItsLeaseBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := setUpCluster(t, 1, stapler.Config{}, plains(t, 1)...)
		c.one.Change(func(s *ocsptest.Settings) { s.Delay = 5 * time.Second })
		c.nodes[0].run(false)
		time.Sleep(time.Second)
		if c.leased() != 1 {
			t.Fatal("no lease")
		}
		c.nodes[0].stop()
		if c.leased() != 0 {
			t.Error("the lease is left")
		}
	})
}

// A start reads what storage has of every certificate. That must not take an hour where
// storage is slow, and what was not read then is, later.
func TestASlowStorageDelaysNoStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := setUpCluster(t, 1, stapler.Config{}, plains(t, 100)...)
		n := c.nodes[0]
		for _, leaf := range c.leaves {
			c.disk.write(t, recordOf(leaf, c.one.DER(leaf), time.Now()))
		}
		fetched := c.one.Count()
		load := func(slow time.Duration) time.Duration {
			t.Helper()
			n.build()
			n.set(func(n *node) { n.slow = slow })
			begun := time.Now()
			if err := n.service.Load(t.Context()); err != nil {
				t.Error(err)
			}
			return time.Since(begun)
		}
		if took := load(100 * time.Millisecond); took > time.Second || n.book.Loud() > 0 {
			t.Errorf("100 records of 100 ms each took %v", took)
		}
		c.wantStapled("after a load")
		if took := load(6 * time.Second); took > 11*time.Second {
			t.Errorf("100 records of 6 s each took %v", took)
		}
		n.set(func(n *node) { n.slow = 0 })
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- n.service.Run(ctx) }()
		time.Sleep(10 * time.Second)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		c.wantStapled("later")
		if again := c.one.Count(); again > fetched {
			t.Errorf("%d were fetched, which are stored", again-fetched)
		}
	})
}
