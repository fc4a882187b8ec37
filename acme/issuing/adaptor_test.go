package issuing_test

import (
	"errors"
	"testing"

	"dwaar/acme/issuing"
	"dwaar/tlsstore/storage"
	"dwaar/tlsstore/storage/storagetest"
)

// Certmagic renews the lease of a lock now and then, and goes on only without an error.
func TestALeaseIsRenewedAsLongAsTheLockIsOurs(t *testing.T) {
	t.Parallel()
	m := storagetest.NewMemory()
	node := m.Node()
	a := issuing.NewAdaptor(node, "ca")
	if err := a.RenewLockLease(t.Context(), "issue", 0); !errors.Is(err, storage.ErrNotLocked) {
		t.Errorf("of a lock that nobody holds: %v", err)
	}
	if ours, err := a.TryLock(t.Context(), "issue"); !ours || err != nil {
		t.Fatal(ours, err)
	}
	if err := a.RenewLockLease(t.Context(), "issue", 0); err != nil {
		t.Errorf("of ours: %v", err)
	}
	if ours, err := issuing.NewAdaptor(m.Node(), "ca").TryLock(t.Context(), "issue"); ours || err != nil {
		t.Errorf("somebody else's TryLock = %v, %v", ours, err)
	}
	m.SetDown(true)
	if err := a.RenewLockLease(t.Context(), "issue", 0); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("without a storage: %v", err)
	}
	m.SetDown(false)
	m.TakeAway(node, "")
	if err := a.RenewLockLease(t.Context(), "issue", 0); !errors.Is(err, storage.ErrNotLocked) {
		t.Errorf("of a lock that was lost: %v", err)
	}
	if len(m.Snapshot()) > 0 {
		t.Error("it has stored something")
	}
}
