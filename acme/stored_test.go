package acme_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/acme"
)

// What another node has got for a name is served within a second, and nothing is ordered.
func TestWhatAnotherNodeHasStoredIsServedWithinASecond(t *testing.T) {
	t.Parallel()
	for what, before := range map[string]time.Duration{"renewed early": -day, "renewed late": -70 * day, "in the same second": 0} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOffice(t)
				o.ca.fail(errDown)
				begins := time.Now().Add(before)
				o.vault.put(publicCA, sign(t, "a.example", begins, 90*day, newKey(t)))
				n := start(t, sites("a.example"), o)
				time.Sleep(time.Hour)
				if before != 0 {
					begins = time.Now()
				}
				orders, newer := o.ca.count(), sign(t, "a.example", begins, 90*day, newKey(t))
				o.vault.put(publicCA, newer)
				n.Stored("A.example.")
				time.Sleep(time.Second)
				s := n.wantState(t, "a second later", "a.example", acme.Valid)
				if s.Serial != serialOf(newer) || s.Failures != 0 || s.LastError != "" {
					t.Errorf("status = %+v, want that of the stored %s", s, serialOf(newer))
				}
				time.Sleep(time.Hour)
				if o.ca.count() != orders {
					t.Errorf("%d orders because of it", o.ca.count()-orders)
				}
				if told := n.told.list(); len(told) != 1 {
					t.Errorf("OnChange was told %q, want it once", told)
				}
			})
		})
	}
}

func TestWhatIsStoredDoesNotDisplaceWhatIsNewer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, n, held := served(t)
		time.Sleep(time.Hour)
		for what, stored := range map[string]*acme.Issued{
			"older":         sign(t, "a.example", time.Now().Add(-2*time.Hour), 90*day, newKey(t)),
			"another name":  issue(t, "b.example", 90*day, nil),
			"expired":       sign(t, "a.example", time.Now().Add(-time.Minute), time.Second, newKey(t)),
			"itself":        held,
			"nothing there": nil,
		} {
			o.vault.set(func() { o.vault.certs[publicCA+" a.example"] = stored })
			n.Stored("a.example")
			time.Sleep(2 * time.Second)
			if n.serial("a.example") != serialOf(held) || o.ca.count() != 0 || len(n.told.list()) != 0 {
				t.Errorf("%s: serves %s after %d orders, want %s as before", what, n.serial("a.example"), o.ca.count(), serialOf(held))
			}
		}
	})
}

// The other node knew of the revocation first; this one hears of it at once, later, or never.
func TestAReplacementByAnotherNodeIsServedThere(t *testing.T) {
	t.Parallel()
	for _, heard := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			o, n, held := served(t)
			o.ca.fail(errDown)
			leaf := n.leaf(t, o.vault, "a.example")
			_ = o.Quarantine(t.Context(), held, "")
			n.Stored("a.example") // nothing new yet
			time.Sleep(time.Hour)
			n.wantState(t, "while nobody has said revoked", "a.example", acme.Valid)
			if heard {
				n.Revoked(leaf, revoked())
				time.Sleep(time.Hour)
				n.wantState(t, "revoked", "a.example", acme.Revoked)
			}
			orders, newer := o.ca.count(), issue(t, "a.example", 90*day, nil)
			o.vault.put(publicCA, newer)
			n.Stored("a.example")
			time.Sleep(time.Second)
			if s := n.wantState(t, "a second after it was replaced", "a.example", acme.Valid); s.Serial != serialOf(newer) || !s.RevokedAt.IsZero() {
				t.Errorf("status = %+v", s)
			}
			n.Revoked(leaf, revoked()) // an hour late
			time.Sleep(time.Hour)
			n.wantState(t, "after the late news", "a.example", acme.Valid)
			if o.ca.count() != orders {
				t.Error("it was ordered again")
			}
		})
	}
}

// A certificate with the revoked key is none to go on with.
func TestTheRevokedKeyIsNotTakenFromAnotherNode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, n, held := served(t)
		o.ca.fail(errDown)
		n.Revoked(n.leaf(t, o.vault, "a.example"), revoked())
		time.Sleep(10 * time.Second)
		o.vault.put(publicCA, issue(t, "a.example", 90*day, held))
		n.Stored("a.example")
		time.Sleep(time.Second)
		if s := n.wantState(t, "later", "a.example", acme.Revoked); s.Serial != serialOf(held) || len(n.told.list()) != 0 {
			t.Errorf("status = %+v, OnChange was told %q", s, n.told.list())
		}
	})
}

// News that do not stop do not put off the look.
func TestAFloodOfNewsDoesNotPutOffTheLook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, n, _ := served(t)
		newer := issue(t, "a.example", 90*day, nil)
		o.vault.put(publicCA, newer)
		for range 20 {
			n.Stored("a.example")
			time.Sleep(50 * time.Millisecond)
		}
		if n.serial("a.example") != serialOf(newer) {
			t.Error("it was not looked at within a second")
		}
	})
}

func TestNewsOfManyNamesAreFewLooksAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const many = 200
		o := newOffice(t)
		names := numbered(many)
		for _, name := range names {
			o.vault.put(publicCA, issue(t, name, 90*day, nil))
		}
		n := start(t, sites(names...), o)
		time.Sleep(time.Hour)
		before := o.vault.readCount()
		for range 100 {
			for _, name := range names {
				n.Stored(name)
			}
			n.Stored("")
		}
		n.Stored("unknown.example")
		o.vault.set(func() { o.vault.slow, o.vault.most = 10*time.Millisecond, 0 })
		time.Sleep(time.Second)
		synctest.Wait()
		if reads := o.vault.readCount() - before; reads < many || reads > 2*many {
			t.Errorf("%d looks for %d names, want about one for each", reads, many)
		}
		if o.vault.peak() != 8 {
			t.Errorf("%d looks at the same time, want 8", o.vault.peak())
		}
	})
}

// News that come while a name's own job is going on are looked at after it.
func TestNewsDuringAJobAreLookedAtAfterIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.ca.set(func() { o.ca.takes, o.ca.err = 10*time.Second, errDown })
		n := start(t, sites("a.example"), o)
		time.Sleep(time.Second) // in the middle of the order
		other := issue(t, "a.example", 90*day, nil)
		o.vault.put(publicCA, other)
		n.Stored("a.example")
		time.Sleep(8 * time.Second)
		n.wantState(t, "during the order", "a.example", acme.Missing)
		time.Sleep(2 * time.Second)
		if s := n.wantState(t, "after it", "a.example", acme.Valid); s.Serial != serialOf(other) || s.Failures != 0 {
			t.Errorf("status = %+v", s)
		}
	})
}

func TestALookThatFailsChangesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, n, held := served(t)
		o.vault.set(func() { o.vault.unreadable = errors.New("wrong key") })
		n.Stored("a.example")
		time.Sleep(2 * time.Second)
		if n.serial("a.example") != serialOf(held) || o.ca.count() != 0 {
			t.Error("it is not served any more")
		}
		if len(n.log.with("level=WARN", "looking at what another node has stored failed", "sni=a.example", "wrong key")) != 1 {
			t.Error("the log does not say why")
		}
	})
}
