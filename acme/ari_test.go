package acme_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/acme"
	"dwaar/acme/issuing"
)

// windowFrom is a CA that wants every certificate renewed within a day from then on, counted
// from its notBefore.
func windowFrom(from, retryAfter time.Duration) func(*acme.Issued) (issuing.RenewalInfo, error) {
	return func(c *acme.Issued) (issuing.RenewalInfo, error) {
		start := c.Leaf.NotBefore.Add(from)
		return issuing.RenewalInfo{Start: start, End: start.Add(day), RetryAfter: time.Now().Add(retryAfter)}, nil
	}
}

func TestRenewalInsideTheCAsWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.ca.window = windowFrom(20*day, 6*time.Hour)
		n := start(t, sites("a.example"), o)
		within(t, time.Minute, "the first", func() bool { return n.serial("a.example") != "" })
		within(t, 30*day, "the renewal", func() bool { return o.ca.count() == 2 })
		orders := o.ca.list()
		if after := orders[1].at.Sub(orders[0].at); after < 20*day || after > 21*day+2*time.Minute {
			t.Errorf("renewed after %v, want it in the window from 20 to 21 days", after)
		}
		if len(n.log.with("the CA wants the certificate renewed sooner", "window_start=")) == 0 {
			t.Error("the log does not say so")
		}
	})
}

// The CA is going to revoke: its window moves into the past.
func TestAWindowThatMovesIntoThePastMeansNow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.ca.window = windowFrom(70*day, 6*time.Hour)
		n := start(t, sites("a.example"), o)
		time.Sleep(10 * day)
		first := n.serial("a.example")
		if s, _ := n.Status("a.example"); s.WindowStart.IsZero() || s.NextRenewal.After(s.WindowStart) {
			t.Errorf("status = %+v, want the window, and renewal by age before it", s)
		}
		moved := windowFrom(-day, 6*time.Hour)
		o.ca.set(func() {
			o.ca.window = func(c *acme.Issued) (issuing.RenewalInfo, error) {
				if serialOf(c) != first {
					return windowFrom(70*day, 6*time.Hour)(c)
				}
				return moved(c)
			}
		})
		within(t, 7*time.Hour, "the renewal", func() bool { return n.serial("a.example") != first })
		time.Sleep(5 * day)
		if o.ca.count() != 2 {
			t.Errorf("%d orders, want 2", o.ca.count())
		}
	})
}

// A CA announces a window for every certificate. One around the time at which it is renewed
// anyway is nobody's news, and one in the past is news once, however often the CA moves it on
// while the renewal fails.
func TestOnlyAWindowThatChangesTheRenewalIsToldAndOnce(t *testing.T) {
	t.Parallel()
	names := []string{"a.example", "b.example", "c.example", "d.example", "e.example", "f.example", "g.example", "h.example"}
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.ca.window = windowFrom(59*day, time.Hour)
		n := start(t, sites(names...), o)
		time.Sleep(10 * day)
		if told := n.log.with("the CA wants the certificate renewed sooner"); len(told) != 0 {
			t.Errorf("of windows around the renewal by age: %q", told)
		}
		o.ca.set(func() {
			o.ca.err = errDown
			o.ca.window = func(*acme.Issued) (issuing.RenewalInfo, error) {
				now := time.Now()
				return issuing.RenewalInfo{Start: now.Add(-time.Hour), End: now, RetryAfter: now.Add(time.Hour)}, nil
			}
		})
		time.Sleep(day)
		if told := n.log.with("the CA wants the certificate renewed sooner"); len(told) != len(names) {
			t.Errorf("told %d times, want once for each of %d names:\n%q", len(told), len(names), told)
		}
	})
}

func TestTheWindowIsAskedForAgainAsRetryAfterSaysWithinBounds(t *testing.T) {
	t.Parallel()
	for retryAfter, want := range map[time.Duration]time.Duration{
		time.Second: time.Hour, -time.Hour: time.Hour, 5 * time.Hour: 5 * time.Hour, 30 * day: day,
	} {
		t.Run(retryAfter.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOffice(t)
				o.ca.window = windowFrom(70*day, retryAfter)
				start(t, sites("a.example"), o)
				time.Sleep(10 * day)
				asked := o.ca.inquiries()
				for i := range asked[1:] {
					if gap := asked[i+1].Sub(asked[i]); gap < want || gap > want+want/10+2*time.Minute {
						t.Fatalf("asked again after %v, want %v and up to a tenth more", gap, want)
					}
				}
				if got, min := len(asked), int(10*day/(want+want/10+2*time.Minute)); got < min {
					t.Errorf("asked %d times in 10 days, want at least %d", got, min)
				}
			})
		})
	}
}

func TestTheTimeChosenInAWindowStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.ca.window = windowFrom(20*day, time.Hour)
		n := start(t, sites("a.example"), o)
		time.Sleep(time.Hour)
		was, _ := n.Status("a.example")
		for range 20 {
			time.Sleep(time.Hour)
			if is, _ := n.Status("a.example"); !is.NextRenewal.Equal(was.NextRenewal) {
				t.Fatalf("next renewal was %v and is %v, in the same window", was.NextRenewal, is.NextRenewal)
			}
		}
	})
}

func TestACAWithoutWindowsIsAskedRarely(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{"none": issuing.ErrNoRenewalInfo, "failing": errors.New("status 500")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOffice(t)
				o.ca.window = func(*acme.Issued) (issuing.RenewalInfo, error) { return issuing.RenewalInfo{}, err }
				n := start(t, sites("a.example"), o)
				time.Sleep(30 * day)
				if asked := len(o.ca.inquiries()); asked < 25 || asked > 40 {
					t.Errorf("asked %d times in 30 days, want about once a day", asked)
				}
				within(t, 31*day, "the renewal by age", func() bool { return o.ca.count() == 2 })
				n.wantState(t, "at the end", "a.example", acme.Valid)
				if len(n.log.with("level=WARN")) != 0 {
					t.Error("that is nothing to warn of")
				}
			})
		})
	}
}

func TestAWindowThatEndsBeforeItStartsIsNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.ca.window = func(c *acme.Issued) (issuing.RenewalInfo, error) {
			return issuing.RenewalInfo{Start: time.Now(), End: time.Now().Add(-day)}, nil
		}
		start(t, sites("a.example"), o)
		time.Sleep(50 * day)
		if o.ca.count() != 1 {
			t.Errorf("%d orders, want 1", o.ca.count())
		}
	})
}

func TestTheLocalCAIsNotAskedForWindows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		local := acme.Policy{Names: []string{"localhost", "10.0.0.1"}, Issuers: []issuing.IssuerConfig{{CA: issuing.Internal}}}
		n := start(t, acme.Config{Policies: []acme.Policy{local}}, o)
		time.Sleep(5 * day)
		if len(o.ca.inquiries()) != 0 {
			t.Error("it was")
		}
		for _, name := range local.Names {
			if s := n.wantState(t, "from the local CA", name, acme.Valid); s.Source != acme.SourceInternal {
				t.Errorf("source = %q, want internal", s.Source)
			}
		}
	})
}

// Nodes that got a certificate at the same moment do not ask about it together.
func TestSeveralNodesAskAtDifferentTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.vault.put(publicCA, issue(t, "a.example", 90*day, nil))
		o.ca.window = windowFrom(70*day, 6*time.Hour)
		const nodes = 3
		for range nodes {
			start(t, sites("a.example"), o)
		}
		time.Sleep(2 * day)
		asked, together := o.ca.inquiries(), 0
		for i := range asked[1:] {
			if asked[i+1].Sub(asked[i]) < time.Second {
				together++
			}
		}
		if len(asked) < nodes*6 || len(asked) > nodes*9 {
			t.Errorf("asked %d times in 2 days, want each node about every 6 h", len(asked))
		}
		if asked[nodes-1].Sub(asked[0]) < time.Second {
			t.Errorf("the first questions of all nodes came within %v", asked[nodes-1].Sub(asked[0]))
		}
		if together > len(asked)/4 {
			t.Errorf("%d of %d questions came within a second of another node's", together, len(asked))
		}
	})
}
