package relay

import (
	"context"
	"sync"
	"time"
)

// claims is how many answers of one issuer are taken as due at a time.
const claims = 64

// Run asks responders for what is missing and for what gets old until ctx ends,
// and then returns nil with nothing left running. Who still waits gets tryLater.
func (r *Relay) Run(ctx context.Context) error {
	var parts sync.WaitGroup
	defer parts.Wait()
	defer r.cancel()
	parts.Go(func() { r.shelf.run(ctx) })
	r.scan()
	for _, a := range r.roster.Load().all {
		r.serve(ctx, &parts, a)
	}
	ticker := time.NewTicker(scanEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		for _, a := range r.scan() {
			r.serve(ctx, &parts, a)
		}
		r.cache.drop(time.Now())
	}
}

// serve starts the workers of an issuer. It has its own, so that a responder that
// hangs delays no other's answers, and half of them are for who waits.
func (r *Relay) serve(ctx context.Context, parts *sync.WaitGroup, a *authority) {
	for range requestsAtOnce {
		parts.Go(func() { r.fly(ctx, a.misses) })
		parts.Go(func() { r.fly(ctx, a.refreshes) })
	}
	parts.Go(func() { r.refresh(ctx, a) })
}

// refresh has asked for what is due of an issuer.
func (r *Relay) refresh(ctx context.Context, a *authority) {
	for ctx.Err() == nil {
		due, next := r.cache.claim(a, claims, time.Now())
		for _, s := range due {
			r.dispatch(ctx, s)
		}
		if len(due) < claims {
			wait(ctx, time.Until(next), a.wake)
		}
	}
}

// dispatch hands a subject to a worker, when one is free.
func (r *Relay) dispatch(ctx context.Context, s subject) {
	f := r.start(s)
	if f == nil {
		return // somebody else does
	}
	select {
	case s.authority.refreshes <- f:
	case <-ctx.Done():
		r.land(f, tryLater)
	}
}

// wait waits for d, or until it is woken, within the bounds of checks.
func wait(ctx context.Context, d time.Duration, wake <-chan struct{}) {
	sleep(ctx, checkLeast, nil)
	sleep(ctx, min(d, checkEvery)-checkLeast, wake)
}

func sleep(ctx context.Context, d time.Duration, wake <-chan struct{}) {
	timer := time.NewTimer(max(d, 0))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-wake:
	}
}
