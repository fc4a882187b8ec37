package relay

import (
	"context"
	"time"
)

// How often who waits for somebody else's answer looks for it: soon, then less
// often.
const (
	pollFirst = 50 * time.Millisecond
	pollMost  = 500 * time.Millisecond
)

// free ends nothing.
func free() {}

// turn waits until it is this relay's turn to ask for an answer, or storage has one
// that another relay has asked for. It returns what is held by then, whether that is
// fresh, and what ends the turn.
//
// Who holds the lease may be slow, or dead. So nobody waits for him longer than half
// of what an asker waits here, and asks then: a request too many is better than an
// answer too few.
func (r *Relay) turn(ctx context.Context, s subject, held *answer) (_ *answer, fresh bool, end func()) {
	if r.leases == nil {
		return held, false, free
	}
	deadline := time.Now().Add(r.cfg.Timeout / 2)
	for pause := pollFirst; ; pause = min(2*pause, pollMost) {
		end, err := r.leases.take(ctx, s.key.lease(), 2*r.cfg.Timeout)
		if err != nil {
			return held, false, free
		}
		ours := end != nil
		if !ours {
			end = free
		}
		later, loaded := r.recall(ctx, s)
		if fresh = loaded && time.Now().Before(later.due()); fresh || ours || ctx.Err() != nil || !time.Now().Before(deadline) {
			return later, fresh, end
		}
		sleep(ctx, pause, nil)
	}
}

// lease is the name of the lock under which an answer is asked for.
func (k key) lease() string { return folder + "_" + k.String() }
