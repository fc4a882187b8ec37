package relay

import (
	"context"
	"time"

	"dwaar/ocspsvc"
)

// flight is one search for an answer, which any number may wait for.
type flight struct {
	subject
	patient  bool              // nobody waits for it, or need
	landed   chan struct{}     // closed at the end
	response *ocspsvc.Response // what to say; set before the end
}

// board joins the flight for a subject, or starts it. If none is needed, or there
// is no room for one, it returns what to say instead.
func (r *Relay) board(s subject) (*flight, *ocspsvc.Response) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f := r.flights[s.key]; f != nil {
		return f, nil
	}
	now := time.Now()
	if a := r.cache.find(s.key, now); a != nil { // landed since
		return nil, a.response
	}
	if said := r.cache.trouble(s.key, now); said != nil {
		return nil, said
	}
	if r.ended {
		return nil, tryLater
	}
	if r.turnsAway(s, now) {
		return nil, turnedAway
	}
	f := &flight{subject: r.cache.prefetched(s), landed: make(chan struct{})}
	select {
	case s.authority.misses <- f:
		r.flights[s.key] = f
		return f, nil
	default:
		return nil, tryLater
	}
}

// start starts a flight that nobody waits for yet, unless there is or was one.
func (r *Relay) start(s claimed) *flight {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.flights[s.key] != nil || r.ended || !r.cache.still(s) {
		return nil
	}
	f := &flight{subject: s.subject, patient: !r.cache.ending(s.key, time.Now()), landed: make(chan struct{})}
	r.flights[s.key] = f
	return f
}

// land ends a flight. What it found has to be in the cache by now, so that
// nobody who comes later starts another one.
func (r *Relay) land(f *flight, response *ocspsvc.Response) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.flights[f.key] == f {
		delete(r.flights, f.key)
		f.response = response
		close(f.landed)
	}
}

// cancel lands all flights: nobody is left to fly them.
func (r *Relay) cancel() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	for k, f := range r.flights {
		delete(r.flights, k)
		f.response = tryLater
		close(f.landed)
	}
}

// fly is the loop of a worker for who waits.
func (r *Relay) fly(ctx context.Context, a *authority) {
	for {
		select {
		case <-ctx.Done():
			return
		case f := <-a.misses:
			r.complete(ctx, f)
		}
	}
}

// keepFresh is the loop of a worker for what gets old. Its flights start when it has
// time for them, so that nobody who misses an answer has to wait for one that does
// not.
func (r *Relay) keepFresh(ctx context.Context, a *authority) {
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-a.refreshes:
			if f := r.start(s); f != nil { // else somebody else does
				r.complete(ctx, f)
			}
		}
	}
}

// complete finds what a flight is for.
func (r *Relay) complete(ctx context.Context, f *flight) {
	said, after := r.search(ctx, f.subject, f.patient)
	r.land(f, said)
	after()
	if r.cache.dueBefore(f.key, time.Now().Add(checkEvery)) {
		f.authority.nudge()
	}
}
