package acme_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/acme"
)

func TestRenewAndReissueByHand(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(*acme.Manager, context.Context, string) error{"renew": (*acme.Manager).Renew, "reissue": (*acme.Manager).Reissue} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o, n, old := served(t)
				if err := act(n.Manager, t.Context(), "a.example"); err != nil {
					t.Fatal(err)
				}
				if n.serial("a.example") == serialOf(old) || o.ca.count() != 1 || len(n.told.list()) != 1 {
					t.Errorf("%d orders, OnChange told %q, want another certificate", o.ca.count(), n.told.list())
				}
				time.Sleep(day)
				if o.ca.count() != 1 {
					t.Error("it was ordered again")
				}
			})
		})
	}
}

func TestByHandWithoutSuccessNothingChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, n, old := served(t)
		o.ca.fail(errDown)
		if err := n.Renew(t.Context(), "a.example"); !errors.Is(err, errDown) || !strings.HasPrefix(err.Error(), "a.example: ") {
			t.Errorf("Renew = %v, want what the CA said", err)
		}
		s := n.wantState(t, "afterwards", "a.example", acme.Valid)
		if s.Serial != serialOf(old) || s.Failures != 0 || !s.NextTry.IsZero() {
			t.Errorf("status = %+v, want it as before", s)
		}
	})
}

func TestByHandForANameThatIsNotKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, n, _ := served(t)
		if err := n.Reissue(t.Context(), "b.example"); !errors.Is(err, acme.ErrUnknown) {
			t.Errorf("Reissue = %v, want ErrUnknown", err)
		}
	})
}

func TestReissueInsistsOnANewKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, n, old := served(t)
		o.ca.oldKeys = true
		if err := n.Reissue(t.Context(), "a.example"); err == nil || !strings.Contains(err.Error(), "it has the key of the one it should replace") {
			t.Errorf("Reissue = %v, want it refused", err)
		}
		if n.serial("a.example") != serialOf(old) {
			t.Error("the certificate with the old key is served")
		}
	})
}

func TestOneOrderAtATimeForAName(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, n, _ := served(t)
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				if err := n.Renew(t.Context(), "a.example"); err != nil {
					t.Error(err)
				}
			})
		}
		time.Sleep(100 * time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := n.Renew(ctx, "a.example"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Renew = %v, want its caller's end", err)
		}
		all.Wait()
		if o.ca.peak() != 1 {
			t.Errorf("%d orders at the same time, want 1", o.ca.peak())
		}
		n.wantState(t, "at the end", "a.example", acme.Valid)
	})
}

// Somebody is faster than the news.
func TestReissueByHandOfARevokedCertificate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		old := issue(t, "a.example", 90*day, nil)
		o.vault.put(publicCA, old)
		n := make1(t, sites("a.example"), o)
		if err := n.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		n.Revoked(n.leaf(t, o.vault, "a.example"), revoked())
		if err := n.Reissue(t.Context(), "a.example"); err != nil {
			t.Fatal(err)
		}
		if away := o.vault.quarantined(); len(away) != 1 || away[0] != old {
			t.Error("the revoked one is not in quarantine")
		}
		if len(n.log.with("level=ERROR", "certificate is revoked")) != 1 {
			t.Error("the log does not say so")
		}
		n.run(t)
		time.Sleep(time.Hour)
		if o.ca.count() != 1 {
			t.Errorf("%d orders, want 1", o.ca.count())
		}
	})
}

// What a peer has stored meanwhile is not what was asked for.
func TestByHandOrdersWhateverIsStored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, n, _ := served(t)
		time.Sleep(time.Hour)
		newer := issue(t, "a.example", 90*day, nil)
		o.vault.put(publicCA, newer)
		if err := n.Renew(t.Context(), "a.example"); err != nil {
			t.Fatal(err)
		}
		if o.ca.count() != 1 || n.serial("a.example") == serialOf(newer) {
			t.Errorf("%d orders, want one", o.ca.count())
		}
	})
}

// A name that nobody has permitted yet is not kept.
func TestByHandForAnOnDemandNameOnItsWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asks := newOracle()
		asks.hangs = true
		o, n := open(t, asks)
		names := numbered(20) // more than are asked about at a time
		for _, name := range names {
			go n.Obtain(t.Context(), name)
		}
		time.Sleep(time.Second)
		for _, name := range names {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			if err := n.Renew(ctx, name); !errors.Is(err, acme.ErrUnknown) && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Renew = %v, want ErrUnknown, or to wait for the answer", err)
			}
			cancel()
		}
		if o.ca.count() != 0 {
			t.Errorf("%d orders", o.ca.count())
		}
		time.Sleep(time.Minute)
	})
}
