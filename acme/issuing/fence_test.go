package issuing_test

import (
	"context"
	"errors"
	"maps"
	"math"
	"strconv"
	"strings"
	"testing"

	"dwaar/acme/issuing"
	"dwaar/tlsstore/storage"
	"dwaar/tlsstore/storage/storagetest"
)

// fenced are the jobs that are done under locks. What each begins with is old, stored by
// another node.
var fenced = map[string]func(ctx context.Context, i *issuing.Issuing, p issuing.Policy, old *issuing.Certificate) error{
	"obtain": func(ctx context.Context, i *issuing.Issuing, p issuing.Policy, _ *issuing.Certificate) error {
		_, err := i.Obtain(ctx, p, "new.example.test")
		return err
	},
	"register": func(ctx context.Context, i *issuing.Issuing, p issuing.Policy, _ *issuing.Certificate) error {
		p.Issuers[0].Email = "new@example.test"
		_, err := i.Obtain(ctx, p, "new.example.test")
		return err
	},
	"renew": func(ctx context.Context, i *issuing.Issuing, p issuing.Policy, old *issuing.Certificate) error {
		_, err := i.Renew(ctx, p, name, issuing.RenewOptions{Replaces: old})
		return err
	},
	"quarantine": func(ctx context.Context, i *issuing.Issuing, _ issuing.Policy, old *issuing.Certificate) error {
		return i.Quarantine(ctx, old, "revoked")
	},
	"quarantine, renew": func(ctx context.Context, i *issuing.Issuing, p issuing.Policy, old *issuing.Certificate) error {
		under, err := i.Lock(ctx, name)
		if err != nil {
			return err
		}
		defer func() { _ = i.Unlock(ctx, name) }()
		if err := i.Quarantine(under, old, "revoked"); err != nil {
			return err
		}
		_, err = i.Renew(under, p, name, issuing.RenewOptions{Replaces: old})
		return err
	},
}

// A node that sleeps for longer than its leases is overtaken, at every point of its work. When
// it wakes up it changes nothing any more, says so, and whoever comes next is not disturbed.
func TestWhoHasLostItsLocksChangesNothing(t *testing.T) {
	t.Parallel()
	for what := range fenced {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			for n := range overtake(t, what, "", math.MaxInt) {
				t.Run(strconv.Itoa(n), func(t *testing.T) {
					t.Parallel()
					overtake(t, what, "", n)
				})
			}
		})
	}
	for what, locks := range map[string]string{"obtain": "issue_cert_", "quarantine, renew": "dwaar_reissue_", "register": "register_acme_account_"} {
		t.Run(what+" without "+locks, func(t *testing.T) {
			t.Parallel()
			for n := range overtake(t, what, locks, math.MaxInt) {
				overtake(t, what, locks, n)
			}
		})
	}
}

// overtake does a job whose locks are gone before the change after so many, as far as it has
// such locks then, and returns how many changes there were.
func overtake(t *testing.T, what, locks string, after int) (changes int) {
	t.Helper()
	ca, m := newFakeCA(t), storagetest.NewMemory()
	i := issuing.New(m.Node(), nil, logger(t), issuing.Options{})
	old := obtain(t, i, policy(ca))
	ca.forgetOrders()
	sleepy := m.Node()
	var asItWas map[string]string
	m.Before(func(by *storagetest.Node, key string) {
		if by != sleepy {
			return
		}
		if changes == after && m.TakeAway(sleepy, locks) {
			asItWas = m.Snapshot()
		}
		changes++
	})
	err := fenced[what](soon(t), issuing.New(sleepy, nil, logger(t), issuing.Options{}), policy(ca), old)
	if asItWas == nil {
		if err != nil || changes == 0 || locks == "" && after < changes {
			t.Fatalf("undisturbed: %d changes, %v", changes, err)
		}
		return changes
	}
	now := m.Snapshot()
	if strings.HasPrefix(locks, "register") { // it is about the account alone
		for _, all := range []map[string]string{now, asItWas} {
			maps.DeleteFunc(all, func(key, _ string) bool { return !strings.Contains(key, "/users/") })
		}
	}
	if !maps.Equal(now, asItWas) {
		t.Errorf("after %d changes it lost its locks, and made %v of %v", after, keysOf(now), keysOf(asItWas))
	}
	loaded, loadErr := i.Load(t.Context(), policy(ca), nameIn(what))
	if err == nil && (loadErr != nil || loaded.Leaf.Equal(old.Leaf)) {
		t.Errorf("it says that all went well, and there is %v, %v", loaded, loadErr)
	}
	if err != nil && !errors.Is(err, storage.ErrNotLocked) {
		t.Errorf("it says %v, want that its lock is lost", err)
	}
	if after == 0 && len(ca.ordered()) > 0 {
		t.Error("it ordered without a lock")
	}
	m.Before(nil)
	if err := fenced[what](soon(t), i, policy(ca), old); err != nil {
		t.Errorf("the next one: %v", err)
	}
	if held := m.Held(); len(held) > 0 {
		t.Errorf("locks are left: %q", held)
	}
	return changes
}

func nameIn(what string) string {
	if what == "obtain" || what == "register" {
		return "new.example.test"
	}
	return name
}

func keysOf(m map[string]string) (keys []string) {
	for key := range m {
		keys = append(keys, key)
	}
	return keys
}

// What is pending goes into its files under the lock of the order, too.
func TestSettleWithoutItsLockChangesNothing(t *testing.T) {
	t.Parallel()
	ca, m := newFakeCA(t), storagetest.NewMemory()
	node := m.Node()
	full := fullStorage{node, "certificates/"}
	obtain(t, issuing.New(full, nil, logger(t), issuing.Options{}), policy(ca))
	sleepy := m.Node()
	asItWas := m.Snapshot()
	m.Before(func(by *storagetest.Node, _ string) { m.TakeAway(by, "") })
	if err := issuing.New(sleepy, nil, logger(t), issuing.Options{}).Settle(t.Context()); err != nil {
		t.Error(err)
	}
	if now := m.Snapshot(); !maps.Equal(now, asItWas) {
		t.Errorf("it made %v of %v", keysOf(now), keysOf(asItWas))
	}
	m.Before(nil)
	if err := issuing.New(sleepy, nil, logger(t), issuing.Options{}).Settle(t.Context()); err != nil {
		t.Error(err)
	}
	if there, _ := node.Exists(t.Context(), "pending"); there {
		t.Error("it is still pending")
	}
}

func TestALockThatIsTakenIsSaidToBe(t *testing.T) {
	t.Parallel()
	m := storagetest.NewMemory()
	mine := issuing.New(m.Node(), nil, logger(t), issuing.Options{})
	peer := issuing.New(m.Node(), nil, logger(t), issuing.Options{})
	under, ours, err := mine.TryLock(t.Context(), name)
	if err != nil || !ours || len(storage.Locks(under)) != 1 {
		t.Errorf("TryLock = %v, %v, under %q", ours, err, storage.Locks(under))
	}
	if _, ours, err := peer.TryLock(t.Context(), name); ours || err != nil {
		t.Errorf("TryLock by a peer = %v, %v", ours, err)
	}
	if err := mine.Unlock(t.Context(), name); err != nil {
		t.Error(err)
	}
	m.SetDown(true)
	if _, ours, err := peer.TryLock(t.Context(), name); ours || !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("TryLock without a storage = %v, %v", ours, err)
	}
}
