package client

import (
	"context"
	"net/netip"
	"net/url"
	"time"

	"dwaar/netguard"

	"dwaar/ocspsvc/fault"
)

// maxRequests is how many HTTP requests a round may send (S8).
const maxRequests = 8

// target is one URL of a round.
type target struct {
	raw      string // as configured
	url      *url.URL
	addrs    []netip.Addr // those that may be dialled, once resolved
	resolved bool
	tried    int  // how many of addrs
	done     bool // nothing more is to be had here

	// What Fetch remembers between two addresses.
	variant   variant // suggested by the last one
	refreshed bool    // asked past the caches already
}

// waiting is how many attempts the target still has to offer.
func (t *target) waiting() int {
	switch {
	case t.done:
		return 0
	case !t.resolved:
		return 1
	}
	return len(t.addrs) - t.tried
}

// round spends requests and time fairly over the URLs and their addresses. It
// belongs to one goroutine.
type round struct {
	guard    *netguard.Guard
	requests int // left
	targets  []*target
}

func newRound(guard *netguard.Guard, urls []string) *round {
	r := &round{guard: guard, requests: maxRequests}
	for _, raw := range urls {
		r.targets = append(r.targets, &target{raw: raw})
	}
	return r
}

// run makes attempts until one says stop, or nothing is left: no address, no
// request, no time. Try gets a context that pins the address and ends with the
// attempt's share of the time; fail gets what went wrong before that.
func (r *round) run(ctx context.Context, try func(context.Context, *target, netip.Addr) (stop bool), fail func(*target, error)) {
	for r.requests > 0 && ctx.Err() == nil {
		t := r.next()
		if t == nil {
			return
		}
		if !t.resolved {
			if err := r.resolve(ctx, t); err != nil {
				t.done = true
				fail(t, err)
			}
			continue
		}
		if r.attempt(ctx, t, try) {
			return
		}
	}
}

// next is the target of which the fewest addresses have been tried, so that
// every URL has its first turn before any has its second.
func (r *round) next() *target {
	var best *target
	for _, t := range r.targets {
		if t.waiting() > 0 && (best == nil || t.tried < best.tried) {
			best = t
		}
	}
	return best
}

// resolve checks the URL and looks up its host.
func (r *round) resolve(ctx context.Context, t *target) error {
	ctx, cancel := context.WithTimeout(ctx, r.share(ctx))
	defer cancel()
	u, err := r.guard.CheckURL(t.raw)
	if err == nil {
		t.addrs, err = r.guard.Resolve(ctx, u.Hostname())
	}
	if err != nil {
		return fault.Network(ctx, err)
	}
	t.url, t.resolved = u, true
	return nil
}

func (r *round) attempt(ctx context.Context, t *target, try func(context.Context, *target, netip.Addr) bool) bool {
	ctx, cancel := context.WithTimeout(ctx, r.share(ctx))
	defer cancel()
	addr := t.addrs[t.tried]
	t.tried++
	return try(netguard.WithAddr(ctx, t.url.Hostname(), addr), t, addr)
}

// share is the part of the time left that the next step may use.
func (r *round) share(ctx context.Context) time.Duration {
	waiting := 0
	for _, t := range r.targets {
		waiting += t.waiting()
	}
	deadline, _ := ctx.Deadline()
	return time.Until(deadline) / time.Duration(max(1, min(waiting, r.requests)))
}

// take uses up one request.
func (r *round) take() { r.requests-- }

// mayRepeat reports whether t may be asked again at the same address: one
// request has to be left for every address that still waits.
func (r *round) mayRepeat() bool {
	waiting := 0
	for _, t := range r.targets {
		waiting += t.waiting()
	}
	return r.requests > waiting
}

// mayFollow takes a request for a redirect of t, if every other target keeps
// one. Other addresses of t would only redirect again.
func (r *round) mayFollow(t *target) bool {
	others := 0
	for _, other := range r.targets {
		if other != t && other.waiting() > 0 {
			others++
		}
	}
	if r.requests <= others {
		return false
	}
	r.take()
	return true
}
