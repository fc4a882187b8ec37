package relay

import (
	"context"
	"sync"
	"time"
)

// claims is how many answers of one issuer are taken as due at a time: few, as what
// ends soon goes first among them.
const claims = 32

// lastCalls is how long Run waits at its end for calls to disks, those of lastWrites
// included. One that hangs is left behind: no context can reach it.
const lastCalls = lastWrites + time.Second

// Run asks responders for what is missing and for what gets old until ctx ends,
// and then returns nil with nothing left running but calls to disks that hang. Who
// still waits gets tryLater.
func (r *Relay) Run(ctx context.Context) error {
	var parts, disks sync.WaitGroup
	writing, finish := context.WithCancel(context.WithoutCancel(ctx))
	defer finish()
	disks.Go(func() { r.shelf.run(writing) })
	added := make(chan []*authority)
	disks.Go(func() { r.watch(ctx, added) })
	parts.Go(func() { r.follow(ctx) })
	for _, a := range r.roster.Load().all {
		r.serve(ctx, &parts, a)
	}
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case authorities := <-added:
			for _, a := range authorities {
				r.serve(ctx, &parts, a)
			}
		}
	}
	r.cancel()
	parts.Wait()
	finish() // nobody puts anything there any more
	if !endsWithin(&disks, lastCalls) {
		r.log.Warn("a disk hangs; what waited for it is not stored")
	}
	return nil
}

// endsWithin reports whether a group has ended in time.
func endsWithin(group *sync.WaitGroup, d time.Duration) bool {
	ended := make(chan struct{})
	go func() {
		group.Wait()
		close(ended)
	}()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ended:
		return true
	case <-timer.C:
		return false
	}
}

// watch looks at the files, and sends issuers that are new.
func (r *Relay) watch(ctx context.Context, added chan<- []*authority) {
	ticker := time.NewTicker(scanEvery)
	defer ticker.Stop()
	for ctx.Err() == nil {
		select {
		case added <- r.scan():
		case <-ctx.Done():
		}
		select {
		case <-ticker.C:
			for _, a := range r.roster.Load().all {
				r.cache.drop(a, time.Now())
			}
		case <-ctx.Done():
		}
	}
}

// serve starts the workers of an issuer. It has its own, so that a responder that
// hangs delays no other's answers, and half of them are for who waits.
func (r *Relay) serve(ctx context.Context, parts *sync.WaitGroup, a *authority) {
	for range requestsAtOnce {
		parts.Go(func() { r.fly(ctx, a) })
		parts.Go(func() { r.keepFresh(ctx, a) })
	}
	parts.Go(func() { r.refresh(ctx, a) })
}

// refresh has asked for what is due of an issuer.
func (r *Relay) refresh(ctx context.Context, a *authority) {
	for ctx.Err() == nil {
		due, next := r.cache.claim(a, claims, time.Now())
		for _, s := range due {
			dispatch(ctx, s)
		}
		if len(due) < claims {
			wait(ctx, time.Until(next), a.wake)
		}
	}
}

// dispatch hands a subject to a worker, when one is free.
func dispatch(ctx context.Context, s claimed) {
	select {
	case s.authority.refreshes <- s:
	case <-ctx.Done():
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
