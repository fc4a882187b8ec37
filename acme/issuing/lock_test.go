package issuing_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"dwaar/tlsstore/storage"
)

func TestANameIsReplacedByOneProcessAtATime(t *testing.T) {
	t.Parallel()
	ca, dir := newFakeCA(t), t.TempDir()
	mine, peer := open(t, dir), open(t, dir)
	if _, err := mine.Lock(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := peer.Lock(ctx, name); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a peer has the lock too: %v", err)
	}
	if _, err := peer.Lock(t.Context(), "other.test"); err != nil {
		t.Error(err)
	}
	obtain(t, mine, policy(ca)) // an order takes another lock
	over, end := context.WithCancel(t.Context())
	end()
	if err := mine.Unlock(over, name); err != nil {
		t.Error(err)
	}
	if _, err := peer.Lock(soon(t), name); err != nil {
		t.Error(err)
	}
	if err := mine.Unlock(t.Context(), name); !errors.Is(err, storage.ErrNotLocked) {
		t.Errorf("Unlock of a peer's lock = %v", err)
	}
}

// What another process is about is its own to finish.
func TestSettleLeavesAnOrderThatIsUnderWay(t *testing.T) {
	t.Parallel()
	ca, dir, asked := newFakeCA(t), t.TempDir(), make(chan struct{}, 1)
	ca.fail(hangAt("/order", asked))
	ctx, giveUp := context.WithCancel(t.Context())
	peer, ended := open(t, dir), make(chan error, 1)
	go func() {
		_, err := peer.Obtain(ctx, policy(ca), name)
		ended <- err
	}()
	<-asked
	before := list(t, dir, "pending")
	if err := open(t, dir).Settle(t.Context()); err != nil {
		t.Error(err)
	}
	if now := list(t, dir, "pending"); len(before) != 1 || !slices.Equal(now, before) {
		t.Errorf("pending: %v, and before Settle %v; want the place that is reserved", now, before)
	}
	giveUp()
	<-ended
}
