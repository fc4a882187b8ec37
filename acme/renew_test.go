package acme_test

import (
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/acme"
	"dwaar/acme/issuing"
)

func TestMissingNamesAreObtainedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		n := start(t, sites("a.example", "b.example"), o)
		time.Sleep(1100 * time.Millisecond) // an order takes 1 s
		synctest.Wait()
		for _, name := range []string{"a.example", "b.example"} {
			s := n.wantState(t, "after an order's time", name, acme.Valid)
			if s.Source != acme.SourceACME {
				t.Errorf("source = %q, want acme", s.Source)
			}
		}
		if told := n.told.list(); len(told) != 2 {
			t.Errorf("OnChange was told %q, want each name once", told)
		}
		if len(n.log.with("certificate obtained", "sni=a.example", "next_renewal=")) != 1 {
			t.Error("nothing in the log about a.example")
		}
	})
}

func TestManyMissingNamesAreObtainedAFewAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		start(t, sites(numbered(60)...), o)
		within(t, time.Minute, "60 names", func() bool { return o.ca.count() == 60 })
		if o.ca.peak() != acme.DefaultConcurrent {
			t.Errorf("%d orders at the same time, want %d", o.ca.peak(), acme.DefaultConcurrent)
		}
	})
}

func TestASiteAddedByReloadStartsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		n := start(t, sites("a.example"), o)
		time.Sleep(time.Hour)
		if err := n.Reconfigure(sites("a.example", "b.example")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		n.wantState(t, "after the reload", "b.example", acme.Valid)
		if o.ca.count() != 2 {
			t.Errorf("%d orders, want one for each name", o.ca.count())
		}
	})
}

func TestStoredCertificatesAreServedFromTheStartAndNotOrderedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		stored := issue(t, "a.example", 90*day, nil)
		o.vault.put(publicCA, stored)
		n := make1(t, sites("a.example"), o)
		if err := n.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := slices.Collect(n.Certificates()); len(got) != 1 || got[0].Name != "a.example" || string(got[0].KeyPEM) != string(stored.KeyPEM) {
			t.Errorf("after Load there are %d certificates, want the stored one", len(got))
		}
		n.run(t)
		time.Sleep(day)
		if o.ca.count() != 0 {
			t.Error("a valid stored certificate was ordered again")
		}
	})
}

// What storage has for a name comes to be used without Load too.
func TestWithoutLoadRunTakesWhatIsStored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		stored := issue(t, "a.example", 90*day, nil)
		o.vault.put(publicCA, stored)
		n := make1(t, sites("a.example"), o)
		n.run(t)
		time.Sleep(time.Second)
		synctest.Wait()
		if n.serial("a.example") != serialOf(stored) || o.ca.count() != 0 {
			t.Errorf("serves %q after %d orders, want the stored %s and none", n.serial("a.example"), o.ca.count(), serialOf(stored))
		}
	})
}

func TestRenewalAtAThirdOfTheLifetime(t *testing.T) {
	t.Parallel()
	for _, life := range []time.Duration{90 * day, 47 * day, 6 * day, 24 * time.Hour, 7 * time.Hour} {
		t.Run(life.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOffice(t)
				o.ca.life = life
				n := start(t, sites("a.example"), o)
				within(t, time.Minute, "the first", func() bool { return n.serial("a.example") != "" })
				first, end := n.serial("a.example"), time.Now().Add(life)
				within(t, life, "the renewal", func() bool { return o.ca.count() == 2 })
				left := end.Sub(o.ca.list()[1].at)
				if third := life / 3; left < third-2*time.Minute || left > third+third/20+2*time.Minute {
					t.Errorf("renewed with %v left, want %v or up to a twentieth more", left, third)
				}
				within(t, time.Minute, "the swap", func() bool { return n.serial("a.example") != first })
				if told := n.told.list(); len(told) != 2 {
					t.Errorf("OnChange was told %q, want it twice", told)
				}
			})
		})
	}
}

func TestRenewalsOfCertificatesGotTogetherAreSpread(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		start(t, sites(numbered(40)...), o)
		within(t, 90*day, "all renewals", func() bool { return o.ca.count() == 80 })
		renewals := o.ca.list()[40:]
		if took := renewals[39].at.Sub(renewals[0].at); took < 12*time.Hour {
			t.Errorf("40 renewals within %v, want them spread over a day and a half", took)
		}
	})
}

func TestFailuresBackOffAndKeepTheOldCertificate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		n := start(t, sites("a.example"), o)
		within(t, time.Minute, "the first", func() bool { return n.serial("a.example") != "" })
		first := n.serial("a.example")
		o.ca.fail(errDown)
		within(t, 62*day, "a renewal", func() bool { return o.ca.count() > 1 })
		time.Sleep(10 * day)
		tries := o.ca.list()[1:]
		for i := range tries[1:] {
			gap, want := tries[i+1].at.Sub(tries[i].at)-time.Second, min(time.Minute<<min(i, 20), 6*time.Hour)
			if gap < want || gap > want+want/10+2*time.Minute {
				t.Errorf("pause %d: %v, want %v and up to a tenth more", i+1, gap, want)
			}
		}
		s := n.wantState(t, "while the CA is down", "a.example", acme.Valid)
		if s.Serial != first || s.Failures < 10 || s.LastError != errDown.Error() || s.NextTry.Before(time.Now()) {
			t.Errorf("status = %+v, want the first certificate, failures and a next try", s)
		}
		if len(n.log.with("level=WARN", "getting a certificate failed", "next_try=", "err=\"the CA is down\"")) < 10 {
			t.Error("the failures are not in the log")
		}
		o.ca.fail(nil)
		within(t, 7*time.Hour, "the renewal", func() bool { return n.serial("a.example") != first })
		if s := n.wantState(t, "at the end", "a.example", acme.Valid); s.LastError != "" || s.Failures != 0 {
			t.Errorf("failures are still there: %+v", s)
		}
	})
}

func TestPausesAreShorterWhereLittleLifeIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.ca.life = 24 * time.Hour
		n := start(t, sites("a.example"), o)
		within(t, time.Minute, "the first", func() bool { return n.serial("a.example") != "" })
		o.ca.fail(errDown)
		time.Sleep(24 * time.Hour)
		if tries := o.ca.count() - 1; tries < 20 || tries > 100 {
			t.Errorf("%d tries in the last 8 hours of a certificate, want some dozens", tries)
		}
		n.wantState(t, "after its time", "a.example", acme.Expired)
		before := o.ca.count()
		time.Sleep(5 * day)
		if tries := o.ca.count() - before; tries < 430 || tries > 490 {
			t.Errorf("%d tries in 5 days after it had expired, want about four an hour", tries)
		}
		o.ca.fail(nil)
		within(t, time.Hour, "a new one", func() bool { s, _ := n.Status("a.example"); return s.State == acme.Valid })
		if len(n.log.with("level=ERROR", "getting a certificate failed")) == 0 {
			t.Error("an expired certificate is not an error in the log")
		}
	})
}

func TestAStoredExpiredCertificateIsServedAndRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.vault.put(publicCA, sign(t, "a.example", time.Now().Add(-91*day), 90*day, newKey(t)))
		n := make1(t, sites("a.example"), o)
		if err := n.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		n.wantState(t, "after the start", "a.example", acme.Expired)
		n.run(t)
		time.Sleep(2 * time.Second)
		n.wantState(t, "2 s later", "a.example", acme.Valid)
		if orders := o.ca.list(); len(orders) != 1 || orders[0].kind != "renew" {
			t.Errorf("orders = %v, want one renewal", orders)
		}
	})
}

func TestAHangingCADelaysNobodyElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.ca.hangs["https://hung.example/directory"] = true
		hung := policy(numbered(20)...)
		hung.Issuers = []issuing.IssuerConfig{{CA: "https://hung.example/directory"}}
		n := start(t, acme.Config{Policies: []acme.Policy{hung, policy("a.example")}}, o)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		n.wantState(t, "beside a CA that hangs", "a.example", acme.Valid)
		time.Sleep(acme.DefaultTimeout)
		if len(n.log.with("getting a certificate failed", "deadline exceeded")) < acme.DefaultConcurrent {
			t.Error("the attempts at the CA that hangs do not end")
		}
	})
}

func TestAHangingCADelaysNoQuarantine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		old := issue(t, "revoked.example", 90*day, nil)
		o.vault.put(publicCA, old)
		o.ca.hangs[publicCA] = true
		n := start(t, sites(append(numbered(20), "revoked.example")...), o)
		time.Sleep(10 * time.Second)
		n.Revoked(n.leaf(t, o.vault, "revoked.example"), revoked())
		synctest.Wait()
		if len(o.vault.quarantined()) != 1 {
			t.Error("the revoked certificate is not in quarantine")
		}
		time.Sleep(time.Hour)
	})
}

// Whoever binds certificates takes what there is when it is called: were two calls for a
// name under way, the older certificate might be bound last.
func TestOnChangeHearsOfANameOnceAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		n := make1(t, sites(append(numbered(12), "slow.example")...), o)
		var calls, most atomic.Int32
		n.OnChange(func(name string) {
			if name != "slow.example" {
				n.told.add(name)
				return
			}
			most.Store(max(most.Load(), calls.Add(1)))
			time.Sleep(time.Minute)
			calls.Add(-1)
		})
		n.run(t)
		time.Sleep(20 * time.Second)
		if told := n.told.list(); len(told) != 12 {
			t.Errorf("told of %d others, want 12", len(told))
		}
		before := time.Now()
		if err := n.Renew(t.Context(), "slow.example"); err != nil {
			t.Error(err)
		}
		if most.Load() != 1 || time.Since(before) < time.Minute {
			t.Errorf("%d calls for one name at the same time", most.Load())
		}
	})
}

// A new certificate that must not be served is not: the old one stays.
func TestNewCertificatesAreCheckedBeforeTheyArePublished(t *testing.T) {
	t.Parallel()
	for name, tamper := range map[string]func(*testing.T, *acme.Issued, *acme.Issued) *acme.Issued{
		"another key": func(t *testing.T, c, _ *acme.Issued) *acme.Issued {
			other := *c
			other.KeyPEM = issue(t, c.Name, day, nil).KeyPEM
			return &other
		},
		"another name": func(t *testing.T, _, _ *acme.Issued) *acme.Issued { return issue(t, "b.example", 90*day, nil) },
		"expired": func(t *testing.T, c, _ *acme.Issued) *acme.Issued {
			return sign(t, c.Name, time.Now().Add(-2*day), day, newKey(t))
		},
		"the same again": func(_ *testing.T, _, old *acme.Issued) *acme.Issued { return old },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOffice(t)
				old := sign(t, "a.example", time.Now().Add(-70*day), 90*day, newKey(t))
				o.vault.put(publicCA, old)
				o.ca.tamper = func(c *acme.Issued) *acme.Issued {
					bad := *tamper(t, c, old)
					bad.Name = "a.example"
					return &bad
				}
				n := start(t, sites("a.example"), o)
				time.Sleep(10 * time.Minute)
				synctest.Wait()
				if n.serial("a.example") != serialOf(old) {
					t.Error("a certificate of no use is served")
				}
				if len(n.told.list()) != 0 {
					t.Errorf("OnChange was told %q", n.told.list())
				}
				if len(n.log.with("the new certificate is of no use")) < 2 {
					t.Error("the log does not say so, or it was not tried again")
				}
				o.ca.set(func() { o.ca.tamper = nil })
				within(t, time.Hour, "a good one", func() bool { return n.serial("a.example") != serialOf(old) })
			})
		})
	}
}

// Somebody has put back an old one, as from a backup.
func TestAnOlderStoredCertificateIsNoRenewal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, n, first := served(t)
		time.Sleep(time.Hour)
		older := sign(t, "a.example", time.Now().Add(-10*day), 90*day, newKey(t))
		o.vault.put(publicCA, older)
		within(t, 61*day, "the renewal", func() bool { return n.serial("a.example") != serialOf(first) })
		if told := n.told.list(); len(told) != 1 || n.serial("a.example") == serialOf(older) {
			t.Errorf("OnChange was told %q: the older one was taken for the renewal", told)
		}
	})
}

func TestANameWithoutStorageIsObtainedWhenItsRenewalIsDue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		n := start(t, sites("a.example"), o)
		within(t, time.Minute, "the first", func() bool { return n.serial("a.example") != "" })
		o.vault.set(func() { clear(o.vault.certs) })
		within(t, 90*day, "the second", func() bool { return o.ca.count() == 2 })
		if kind := o.ca.list()[1].kind; kind != "obtain" {
			t.Errorf("it was %sed, want it obtained: there is nothing to renew", kind)
		}
	})
}

// A failure while the clock was four years ahead must not mean a pause of four years.
func TestPausesSurviveAClockThatIsSetBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const ahead = 4 * 365 * day
		o := newOffice(t)
		o.ca.fail(errDown)
		n := start(t, sites("a.example"), o)
		time.Sleep(30 * time.Second)
		n.SetClock(ahead) // as if it had been planned then
		time.Sleep(day)
		if o.ca.count() != 1 {
			t.Fatalf("%d orders, want 1", o.ca.count())
		}
		n.SetClock(-ahead)
		within(t, time.Minute, "the next try", func() bool { return o.ca.count() == 2 })
	})
}

func TestAShutdownInTheMiddleOfAnOrderIsNoFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		n := start(t, sites("a.example"), o)
		time.Sleep(500 * time.Millisecond)
		o.ca.lingers = time.Minute
		n.stop()
		if o.ca.underWay() != 0 {
			t.Error("an order is under way after Run has ended")
		}
		if _, err := o.Lock(t.Context(), "a.example"); err != nil {
			t.Error(err)
		}
		if s := n.wantState(t, "after the stop", "a.example", acme.Missing); s.Failures != 0 {
			t.Errorf("status = %+v, want no failure", s)
		}
		if len(n.log.with("failed")) != 0 {
			t.Error("the log speaks of a failure")
		}
	})
}

func TestTwoNodesOnOneStoragePlaceOneOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		cfg := sites(numbered(12)...)
		nodes := []*node{start(t, cfg, o), start(t, cfg, o), start(t, cfg, o)}
		within(t, 2*time.Minute, "all names on all nodes", func() bool {
			return !slices.ContainsFunc(nodes, func(n *node) bool { return len(slices.Collect(n.Certificates())) < 12 })
		})
		if o.ca.count() != 12 {
			t.Errorf("%d orders for 12 names, want 12", o.ca.count())
		}
		time.Sleep(61 * day) // everything renewed
		within(t, 2*day, "the renewals", func() bool {
			for _, name := range numbered(12) {
				if nodes[0].serial(name) != nodes[1].serial(name) || nodes[1].serial(name) != nodes[2].serial(name) {
					return false
				}
			}
			return true
		})
		if o.ca.count() != 24 {
			t.Errorf("%d orders in all after one renewal of each, want 24", o.ca.count())
		}
	})
}
