package stapler

import (
	"context"
	"errors"
	"sync"
	"time"

	"dwaar/ocspsvc"
)

// desk is where shared storage is asked while a round waits for the answer. It
// keeps a storage that is slow, hangs or fails from holding up the one worker:
// a question takes deskPatience at most, and after one that failed none is put
// for deskRests. What does not come back at all is left behind, and nothing
// else is asked before it does.
type desk struct {
	mu      sync.Mutex // guards the rest
	left    int        // questions that were left behind
	resting time.Time  // until then nothing is asked; monotonic
	failing [2]bool    // by matter, as far as was logged
}

// matter is what is asked at a desk. One may be had while the other is not: of
// shared storage that is down there may be a local copy.
type matter uint8

const (
	looking matter = iota
	leasing
)

const (
	deskPatience = time.Second
	deskAtLeast  = 200 * time.Millisecond
	deskRests    = 10 * time.Second
)

// errDeskRests is why nothing was asked.
var errDeskRests = errors.New("shared storage has just failed, and is left alone for a while")

// open reports whether it is worth asking.
func (d *desk) open() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.left == 0 && !time.Now().Before(d.resting)
}

// reply is what came of a question.
type reply[T any] struct {
	answer T
	err    error
}

// atDesk puts a question. A caller that has a deadline, as Prime has, gives a
// quarter of the time that is left, but enough for an answer. One that comes
// later is for late.
func atDesk[T any](ctx context.Context, d *desk, ask func(context.Context) (T, error), late func(T)) (T, error) {
	patience := deskPatience
	if deadline, ok := ctx.Deadline(); ok {
		patience = min(patience, max(time.Until(deadline)/4, deskAtLeast))
	}
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	replies := make(chan reply[T], 1)
	go func() {
		answer, err := ask(bounded)
		replies <- reply[T]{answer, err}
	}()
	select {
	case r := <-replies:
		return r.answer, r.err
	case <-bounded.Done():
	}
	d.leave(+1)
	go func() {
		r := <-replies
		d.leave(-1)
		if r.err == nil {
			late(r.answer)
		}
	}()
	var none T
	return none, bounded.Err()
}

// gaveUp reports whether the caller has no time left, which says nothing about
// storage.
func gaveUp(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ended(ctx) || ok && time.Until(deadline) <= 0
}

func (d *desk) leave(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left += n
}

// file takes note of how a question went, and reports whether that changes
// whether all is well.
func (d *desk) file(about matter, failed bool) (news bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if failed {
		d.resting = time.Now().Add(deskRests)
	}
	was := d.failing
	d.failing[about] = failed
	return (was == [2]bool{}) != (d.failing == [2]bool{})
}

// fileDesk lets the desk rest after a failure, unless the caller gave up, and
// says once when it fails and once when it is back.
func (s *Service) fileDesk(ctx context.Context, about matter, err error) {
	if err != nil && gaveUp(ctx) || !s.desk.file(about, err != nil) {
		return
	}
	if err != nil {
		s.log.Warn("shared storage does not answer, refreshing staples without regard to other nodes", "reason", ocspsvc.ReasonStoreError, "err", err)
	} else {
		s.log.Info("shared storage answers, sharing staples with other nodes again")
	}
}
