package relay

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Leases are locks that relays share, by name: whoever holds the one of an answer
// asks for it. One whose holder has died becomes free by itself. tlsstore/storage has
// them.
type Leases interface {
	// TryLock takes a lock, or returns false if somebody else holds it.
	TryLock(ctx context.Context, name string) (bool, error)
	Unlock(ctx context.Context, name string) error
}

// Option is something that not every relay has.
type Option func(*Relay)

// WithLeases makes relays that have these leases and their storage in common ask for
// each answer once, all together. Those that have to wait look into the storage. If
// there are no leases to be had, or who holds one is slow, a relay asks as if it were
// alone.
func WithLeases(leases Leases) Option {
	return func(r *Relay) {
		if leases != nil && r.shelf.storage != nil {
			r.leases = &lessor{leases: leases, slots: make(chan struct{}, maxLeaseCalls)}
		}
	}
}

// Bounds of what leases may cost. A storage that hangs is one that no context can
// reach, so what waits for it is bounded too.
const (
	leaseWait     = 2 * time.Second // for one call
	leaseRest     = 10 * time.Second
	maxLeaseCalls = 16 // that take leases, at a time
)

var errLeases = errors.New("the storage is left alone because it does not answer")

// lessor takes leases. A nil one takes none.
type lessor struct {
	leases Leases
	slots  chan struct{} // held by calls

	mu    sync.Mutex
	until time.Time // when a storage that was silent is tried again
}

// take takes a lease, or reports that somebody else has it. Whoever gets it has to
// end it; after holdMost it ends by itself.
func (l *lessor) take(ctx context.Context, name string, holdMost time.Duration) (end func(), err error) {
	if l.rests(time.Now()) {
		return nil, errLeases
	}
	select {
	case l.slots <- struct{}{}:
	default:
		return nil, errLeases
	}
	within, cancel := context.WithTimeout(ctx, leaseWait)
	defer cancel()
	type result struct {
		ours bool
		err  error
	}
	answer := make(chan result)
	go func() {
		defer func() { <-l.slots }()
		ours, err := l.leases.TryLock(within, name)
		select {
		case answer <- result{ours, err}:
		case <-within.Done(): // nobody waits for it any more
			if ours {
				l.giveBack(ctx, name)
			}
		}
	}()
	select {
	case got := <-answer:
		if got.err != nil || !got.ours {
			return nil, got.err
		}
		return l.ending(ctx, name, holdMost), nil
	case <-within.Done():
		if ctx.Err() == nil {
			l.rest(time.Now())
		}
		return nil, within.Err()
	}
}

// ending is what ends a lease.
func (l *lessor) ending(ctx context.Context, name string, holdMost time.Duration) func() {
	end := sync.OnceFunc(func() { l.giveBack(ctx, name) })
	timer := time.AfterFunc(holdMost, end)
	return func() {
		timer.Stop()
		end()
	}
}

// giveBack waits until the others can have it, but not for ever.
func (l *lessor) giveBack(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseWait)
	go func() {
		defer cancel()
		_ = l.leases.Unlock(ctx, name) // the storage ends what is not given back
	}()
	<-ctx.Done()
}

func (l *lessor) rests(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return now.Before(l.until)
}

func (l *lessor) rest(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until = now.Add(leaseRest)
}
