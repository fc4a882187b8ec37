package acme_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/acme"
	"dwaar/acme/issuing"
)

func TestAReloadForgetsNamesAndKeepsTheirFiles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, n, old := served(t)
		leaf := n.leaf(t, o.vault, "a.example")
		if err := n.Reconfigure(sites("b.example")); err != nil {
			t.Fatal(err)
		}
		n.Revoked(leaf, revoked())
		time.Sleep(time.Minute)
		if _, ok := n.Status("a.example"); ok || len(slices.Collect(n.Certificates())) != 1 {
			t.Error("a.example is still kept")
		}
		if o.vault.certs[publicCA+" a.example"] != old {
			t.Error("its files are gone")
		}
	})
}

func TestAnotherCAIsUsedWithoutLosingTheOldCertificate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, n, old := served(t)
		moved := sites("a.example")
		moved.Policies[0].Issuers = []issuing.IssuerConfig{{CA: "https://other.example/directory"}}
		o.ca.fail(errDown)
		if err := n.Reconfigure(moved); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Minute)
		if n.serial("a.example") != serialOf(old) {
			t.Error("the old certificate is not served meanwhile")
		}
		o.ca.fail(nil)
		within(t, time.Hour, "one of the other CA", func() bool { return n.serial("a.example") != serialOf(old) })
		if o.vault.certs["https://other.example/directory a.example"] == nil {
			t.Error("it is not the other CA's")
		}
		orders := o.ca.count()
		if err := n.Reconfigure(sites("a.example")); err != nil {
			t.Fatal(err)
		}
		within(t, time.Minute, "the first one again", func() bool { return n.serial("a.example") == serialOf(old) })
		if o.ca.count() != orders {
			t.Error("what is stored was ordered")
		}
	})
}

func TestAReloadTriesAgainWhatHasBeenFailing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.ca.fail(errDown)
		n := start(t, sites("a.example"), o)
		time.Sleep(100 * time.Minute)
		o.ca.fail(nil)
		if err := n.Reconfigure(sites("a.example")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		n.wantState(t, "after the reload", "a.example", acme.Valid)
	})
}

func TestAReloadThatIsRefusedChangesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, n, old := served(t)
		if err := n.Reconfigure(sites("b.example", "b.example")); err == nil {
			t.Error("a name in two policies is accepted")
		}
		if n.serial("a.example") != serialOf(old) {
			t.Error("it has changed something")
		}
	})
}

func TestAReloadDuringAnOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		n := start(t, sites("a.example"), o)
		time.Sleep(500 * time.Millisecond)
		for _, cfg := range []acme.Config{sites("b.example"), sites("a.example")} {
			if err := n.Reconfigure(cfg); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		n.wantState(t, "at the end", "a.example", acme.Valid)
		if orders := o.ca.list(); len(orders) != 1 {
			t.Errorf("orders = %v, want that of a.example alone", orders)
		}
	})
}

// A stored certificate that cannot be used is as good as none, and says why.
func TestStoredCertificatesThatDoNotFitAreIgnored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		other := *issue(t, "b.example", 90*day, nil)
		other.Name = "a.example"
		o.vault.put(publicCA, &other)
		n := start(t, sites("a.example"), o)
		time.Sleep(2 * time.Second)
		n.wantState(t, "in spite of it", "a.example", acme.Valid)
		if len(n.log.with("stored certificate is ignored", "it is for [b.example]")) != 1 {
			t.Error("the log does not say why")
		}
	})
}

func TestStorageThatCannotBeReadIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.vault.unreadable = errors.New("input/output error")
		stored := issue(t, "a.example", 90*day, nil)
		o.vault.put(publicCA, stored)
		n := start(t, sites("a.example"), o)
		time.Sleep(10 * time.Minute)
		if o.ca.count() != 0 {
			t.Error("something was ordered without knowing what there is")
		}
		o.vault.set(func() { o.vault.unreadable = nil })
		within(t, 10*time.Minute, "the stored one", func() bool { return n.serial("a.example") == serialOf(stored) })
	})
}

// The order that is under way when the policy changes is one of the old policy.
func TestAnotherCADuringAnOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		n := start(t, sites("a.example"), o)
		time.Sleep(500 * time.Millisecond)
		moved := sites("a.example")
		moved.Policies[0].Issuers = []issuing.IssuerConfig{{CA: "https://other.example/directory"}}
		if err := n.Reconfigure(moved); err != nil {
			t.Fatal(err)
		}
		within(t, time.Minute, "one of the other CA", func() bool {
			o.vault.mu.Lock()
			defer o.vault.mu.Unlock()
			c := o.vault.certs["https://other.example/directory a.example"]
			return c != nil && n.serial("a.example") == serialOf(c)
		})
		time.Sleep(day)
		if o.ca.count() != 2 {
			t.Errorf("%d orders, want 2", o.ca.count())
		}
	})
}

func TestAnotherKeyTypeWaitsForTheNextCertificate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, n, _ := served(t)
		other := sites("a.example")
		other.Policies[0].KeyType = "p384"
		if err := n.Reconfigure(other); err != nil {
			t.Fatal(err)
		}
		time.Sleep(day)
		if o.ca.count() != 0 || len(n.told.list()) != 0 {
			t.Errorf("%d orders, OnChange told %q, want nothing", o.ca.count(), n.told.list())
		}
	})
}

func TestAReloadTriesAgainAFailingRenewal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.vault.put(publicCA, sign(t, "a.example", time.Now().Add(-70*day), 90*day, newKey(t)))
		o.ca.fail(errDown)
		n := start(t, sites("a.example"), o)
		time.Sleep(10 * time.Hour)
		o.ca.fail(nil)
		if err := n.Reconfigure(sites("a.example")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		if s := n.wantState(t, "after the reload", "a.example", acme.Valid); s.LastError != "" {
			t.Errorf("it still fails: %s", s.LastError)
		}
	})
}
