package acme_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/acme"
	"dwaar/acme/issuing"
	"dwaar/ocspsvc"
)

// revoked is what the OCSP wing says of a revoked leaf.
func revoked() ocspsvc.Verdict {
	return ocspsvc.Verdict{Status: ocspsvc.Revoked, RevokedAt: time.Now().Add(-time.Minute), RevocationReason: ocspsvc.KeyCompromise}
}

// served starts a node that serves a stored certificate for a.example.
func served(t *testing.T) (*office, *node, *acme.Issued) {
	t.Helper()
	o := newOffice(t)
	old := issue(t, "a.example", 90*day, nil)
	o.vault.put(publicCA, old)
	return o, start(t, sites("a.example"), o), old
}

func TestARevokedCertificateGoesToQuarantineAndIsReplacedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, n, old := served(t)
		time.Sleep(time.Hour)
		before := time.Now()
		n.Revoked(n.leaf(t, o.vault, "a.example"), revoked())
		if !time.Now().Equal(before) {
			t.Error("Revoked took time")
		}
		synctest.Wait()
		if away := o.vault.quarantined(); len(away) != 1 || away[0] != old {
			t.Errorf("before the order there are %d in quarantine, want the revoked one", len(away))
		}
		n.wantState(t, "while it is being replaced", "a.example", acme.Revoked)
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		s := n.wantState(t, "after an order's time", "a.example", acme.Valid)
		if s.Serial == serialOf(old) || s.RevokedAt != (time.Time{}) {
			t.Errorf("status = %+v, want that of another certificate", s)
		}
		if orders := o.ca.list(); len(orders) != 1 || orders[0].kind != "replace" {
			t.Errorf("orders = %v, want one that tells the CA what it replaces, and has nothing in storage to take a key from", orders)
		}
		if c, _ := n.Certificate("a.example"); string(c.KeyPEM) == string(old.KeyPEM) {
			t.Error("the key of the revoked one is used again")
		}
		if len(n.told.list()) != 1 {
			t.Errorf("OnChange was told %q, want it once", n.told.list())
		}
		if len(n.log.with("level=ERROR", "certificate is revoked, replacing it", "reason="+revoked().RevocationReason.String(), "revoked_at=2", "sni=a.example", "serial="+serialOf(old))) != 1 {
			t.Error("there is not one error in the log with time and reason")
		}
		if len(n.log.with("revoked certificate replaced", "replaces="+serialOf(old))) != 1 {
			t.Error("the log does not say that it was replaced")
		}
	})
}

func TestTheSameNewsAgainChangesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, n, _ := served(t)
		leaf := n.leaf(t, o.vault, "a.example")
		for range 5 {
			n.Revoked(leaf, revoked())
		}
		time.Sleep(10 * time.Second)
		n.Revoked(leaf, revoked()) // of the one that is gone
		n.Revoked([32]byte{1}, revoked())
		time.Sleep(time.Hour)
		if o.ca.count() != 1 || len(o.vault.quarantined()) != 1 {
			t.Errorf("%d orders and %d in quarantine, want 1 and 1", o.ca.count(), len(o.vault.quarantined()))
		}
	})
}

func TestWhileTheCAIsDownReplacementsBackOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, n, old := served(t)
		o.ca.fail(errDown)
		n.Revoked(n.leaf(t, o.vault, "a.example"), revoked())
		time.Sleep(24 * time.Hour)
		tries := o.ca.list()
		for i := range tries[1:] {
			gap, want := tries[i+1].at.Sub(tries[i].at)-time.Second, min(time.Minute<<min(i, 20), 15*time.Minute)
			if gap < want || gap > want+want/10+time.Minute {
				t.Errorf("pause %d: %v, want %v and up to a tenth more", i+1, gap, want)
			}
		}
		if len(tries) < 80 {
			t.Errorf("%d tries on one day, want about four an hour", len(tries))
		}
		s := n.wantState(t, "meanwhile", "a.example", acme.Revoked)
		if s.Serial != serialOf(old) || s.LastError == "" || s.RevocationReason == "" {
			t.Errorf("status = %+v", s)
		}
		if c, ok := n.Certificate("a.example"); !ok || string(c.CertPEM) != string(old.CertPEM) {
			t.Error("the revoked one is not there for those who serve it by option")
		}
		o.ca.fail(nil)
		within(t, 70*time.Minute, "the replacement", func() bool { return n.serial("a.example") != serialOf(old) })
	})
}

func TestAReplacementSurvivesARestartInTheMiddle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, n, old := served(t)
		o.ca.fail(errDown)
		n.Revoked(n.leaf(t, o.vault, "a.example"), revoked())
		time.Sleep(10 * time.Second)
		n.stop()
		o.ca.fail(nil)
		again := start(t, sites("a.example"), o)
		if _, ok := again.Certificate("a.example"); ok {
			t.Error("what is in quarantine was loaded")
		}
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		again.wantState(t, "after the restart", "a.example", acme.Valid)
		if again.serial("a.example") == serialOf(old) {
			t.Error("the revoked one is back")
		}
	})
}

// Somebody else on this storage was faster: nothing is ordered.
func TestAStoredReplacementIsJustTaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, n, _ := served(t)
		newer := issue(t, "a.example", 90*day, nil)
		leaf := n.leaf(t, o.vault, "a.example")
		o.vault.put(publicCA, newer)
		n.Revoked(leaf, revoked())
		time.Sleep(time.Minute)
		if n.serial("a.example") != serialOf(newer) || o.ca.count() != 0 {
			t.Errorf("serves %s after %d orders, want the stored %s and none", n.serial("a.example"), o.ca.count(), serialOf(newer))
		}
		if len(o.vault.quarantined()) != 0 {
			t.Error("the stored one was moved to quarantine")
		}
	})
}

// A stored one with the revoked key is as bad as the revoked one.
func TestAStoredReplacementWithTheRevokedKeyGoesToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, n, old := served(t)
		again := issue(t, "a.example", 90*day, old)
		o.vault.put(publicCA, again)
		n.Revoked(n.leaf(t, o.vault, "a.example"), revoked())
		time.Sleep(time.Minute)
		if s := n.serial("a.example"); s == serialOf(old) || s == serialOf(again) {
			t.Error("the revoked key is still served")
		}
		if away := o.vault.quarantined(); !slices.Contains(away, again) {
			t.Error("the certificate with the revoked key is not in quarantine")
		}
		if told := n.told.list(); len(told) != 1 {
			t.Errorf("OnChange was told %q, want it of the last one only", told)
		}
	})
}

// The news comes while the certificate is being renewed with the key it has.
func TestARenewalThatKeepsARevokedKeyIsReplacedToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.ca.oldKeys = true
		old := sign(t, "a.example", time.Now().Add(-70*day), 90*day, newKey(t))
		o.vault.put(publicCA, old)
		n := start(t, sites("a.example"), o)
		time.Sleep(500 * time.Millisecond) // in the middle of the renewal
		n.Revoked(n.leaf(t, o.vault, "a.example"), revoked())
		time.Sleep(time.Minute)
		c, _ := n.Certificate("a.example")
		if o.ca.count() != 2 || string(c.KeyPEM) == string(old.KeyPEM) {
			t.Errorf("%d orders, want a second one with another key", o.ca.count())
		}
		n.wantState(t, "at the end", "a.example", acme.Valid)
	})
}

func TestNewsDuringAFailingRenewalAreActedUponAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.vault.put(publicCA, sign(t, "a.example", time.Now().Add(-70*day), 90*day, newKey(t)))
		o.ca.fail(errDown)
		n := start(t, sites("a.example"), o)
		time.Sleep(500 * time.Millisecond)
		n.Revoked(n.leaf(t, o.vault, "a.example"), revoked())
		time.Sleep(700 * time.Millisecond)
		synctest.Wait()
		if len(o.vault.quarantined()) != 1 {
			t.Error("the revoked certificate is not in quarantine as soon as the renewal has failed")
		}
	})
}

func TestNothingIsOrderedBeforeTheQuarantine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, n, old := served(t)
		o.vault.set(func() { o.vault.failing = errors.New("read-only file system") })
		n.Revoked(n.leaf(t, o.vault, "a.example"), revoked())
		time.Sleep(10 * time.Minute)
		if o.ca.count() != 0 {
			t.Error("ordered while the revoked key lies where it is")
		}
		if len(n.log.with("moving the revoked certificate to quarantine: read-only file system")) < 3 {
			t.Error("it was not tried again, or the log does not say why")
		}
		o.vault.set(func() { o.vault.failing = nil })
		within(t, 20*time.Minute, "the replacement", func() bool { return n.serial("a.example") != serialOf(old) })
	})
}

func TestAHoldThatIsLiftedBeforeAnythingHappenedIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.vault.put(publicCA, issue(t, "a.example", 90*day, nil))
		n := make1(t, sites("a.example"), o)
		if err := n.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		leaf := n.leaf(t, o.vault, "a.example")
		n.Revoked(leaf, revoked())
		n.wantState(t, "before Run", "a.example", acme.Revoked)
		n.Revoked(leaf, ocspsvc.Verdict{Status: ocspsvc.Good})
		n.run(t)
		time.Sleep(time.Hour)
		n.wantState(t, "later", "a.example", acme.Valid)
		if o.ca.count() != 0 || len(o.vault.quarantined()) != 0 {
			t.Error("it was replaced all the same")
		}
	})
}

// What is heard before Run, as from stored responses, is done then.
func TestNewsBeforeRunAreKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.vault.put(publicCA, issue(t, "a.example", 90*day, nil))
		n := make1(t, sites("a.example"), o)
		if err := n.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		n.Revoked(n.leaf(t, o.vault, "a.example"), revoked())
		n.run(t)
		within(t, time.Minute, "the replacement", func() bool { return o.ca.count() == 1 })
	})
}

func TestThousandsRevokedAtOnceAreReplacedWithinTheBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const many = 1000
		o := newOffice(t)
		names := numbered(many)
		key := newKey(t) // sparing the test a thousand of them
		for _, name := range names {
			o.vault.put(publicCA, sign(t, name, time.Now(), 90*day, key))
		}
		other := policy("other.example")
		other.Issuers = []issuing.IssuerConfig{{CA: "https://other.example/directory"}}
		o.vault.put(other.Issuers[0].CA, issue(t, "other.example", 90*day, nil))
		n := start(t, acme.Config{Policies: []acme.Policy{policy(names...), other}}, o)
		for _, name := range append(names, "other.example") {
			n.Revoked(n.leaf(t, o.vault, name), revoked())
		}
		time.Sleep(9 * time.Second)
		synctest.Wait()
		if away := len(o.vault.quarantined()); away != many+1 {
			t.Errorf("%d in quarantine, want all %d: that needs no budget", away, many+1)
		}
		if got := o.ca.count(); got != acme.DefaultReissueBurst+1 {
			t.Errorf("%d orders at once, want %d, and 1 at the other CA", got, acme.DefaultReissueBurst)
		}
		time.Sleep(10 * time.Minute)
		if got := o.ca.count() - acme.DefaultReissueBurst - 1; got < 59 || got > 61 {
			t.Errorf("%d orders in the next 10 minutes, want 60", got)
		}
		if err := n.Reconfigure(acme.Config{Policies: []acme.Policy{policy(append(names, "new.example")...), other}}); err != nil {
			t.Fatal(err)
		}
		within(t, time.Minute+5*time.Second, "a new site beside them", func() bool { return n.serial("new.example") != "" })
		within(t, 4*time.Hour, "all of them", func() bool { return o.ca.count() == many+2 })
	})
}

func TestTheBudgetOutlivesTheReplacements(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		names := numbered(2 * acme.DefaultReissueBurst)
		for _, name := range names {
			o.vault.put(publicCA, issue(t, name, 90*day, nil))
		}
		n := start(t, sites(names...), o)
		for _, name := range names[:acme.DefaultReissueBurst] {
			n.Revoked(n.leaf(t, o.vault, name), revoked())
		}
		time.Sleep(25 * time.Second)
		for _, name := range names[acme.DefaultReissueBurst:] {
			n.Revoked(n.leaf(t, o.vault, name), revoked())
		}
		time.Sleep(time.Second)
		if got := o.ca.count() - acme.DefaultReissueBurst; got != 2 {
			t.Errorf("25 s after the first burst %d more were ordered at once, want 2", got)
		}
		time.Sleep(2 * time.Minute)
	})
}

func TestTwoNodesReplaceARevokedCertificateOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		names := numbered(50)
		for _, name := range names {
			o.vault.put(publicCA, issue(t, name, 90*day, nil))
		}
		one, two := start(t, sites(names...), o), start(t, sites(names...), o)
		for _, name := range names {
			one.Revoked(one.leaf(t, o.vault, name), revoked())
			two.Revoked(two.leaf(t, o.vault, name), revoked())
		}
		within(t, time.Hour, "all on both", func() bool {
			return !slices.ContainsFunc(names, func(name string) bool {
				s, _ := one.Status(name)
				z, _ := two.Status(name)
				return s.State != acme.Valid || z.State != acme.Valid
			})
		})
		if o.ca.count() != 50 || len(o.vault.quarantined()) != 50 {
			t.Errorf("%d orders and %d in quarantine for 50 revoked certificates", o.ca.count(), len(o.vault.quarantined()))
		}
		for _, name := range names {
			if one.serial(name) != two.serial(name) {
				t.Errorf("%s: the nodes serve different certificates", name)
			}
		}
	})
}

func TestALateNodeTakesAllReplacementsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		names := numbered(200)
		for _, name := range names {
			o.vault.put(publicCA, issue(t, name, 90*day, nil))
		}
		late := start(t, sites(names...), o)
		var leaves [][32]byte
		for _, name := range names {
			leaves = append(leaves, late.leaf(t, o.vault, name))
			o.vault.put(publicCA, issue(t, name, 90*day, nil))
		}
		for _, leaf := range leaves {
			late.Revoked(leaf, revoked())
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := len(late.told.list()); got != 200 || o.ca.count() != 0 {
			t.Errorf("%d taken within a second and %d ordered, want all 200 and none", got, o.ca.count())
		}
	})
}

// Those that wait for the budget look at storage before they order, and what they find
// there costs nothing of it.
func TestReplacementsOfAPeerAreTakenWithoutTheBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		names := numbered(100)
		for _, name := range names {
			o.vault.put(publicCA, issue(t, name, 90*day, nil))
		}
		n := start(t, sites(names...), o)
		o.ca.fail(errDown)
		for _, name := range names {
			n.Revoked(n.leaf(t, o.vault, name), revoked())
		}
		time.Sleep(5 * time.Second)
		for _, name := range names {
			o.vault.put(publicCA, issue(t, name, 90*day, nil))
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if got := len(n.told.list()); got != 100 || o.ca.count() != acme.DefaultReissueBurst {
			t.Errorf("%d of 100 taken in 2 minutes, %d orders, want all and %d", got, o.ca.count(), acme.DefaultReissueBurst)
		}
	})
}

// A certificate without files would be gone after a restart.
func TestAHoldThatIsLiftedAfterTheQuarantineIsTooLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, n, old := served(t)
		o.ca.fail(errDown)
		leaf := n.leaf(t, o.vault, "a.example")
		n.Revoked(leaf, revoked())
		time.Sleep(10 * time.Second)
		n.Revoked(leaf, ocspsvc.Verdict{Status: ocspsvc.Good})
		o.ca.fail(nil)
		within(t, 10*time.Minute, "the replacement", func() bool { return n.serial("a.example") != serialOf(old) })
	})
}
