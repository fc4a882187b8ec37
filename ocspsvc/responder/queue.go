package responder

import (
	"context"
	"runtime"

	"dwaar/ocspsvc"
)

// queue bounds the work that costs processor time: as many signings at once as
// there are processors, and so many that wait for one. What comes then is
// refused at once, so that answers which need no signing stay fast.
type queue struct {
	tickets chan struct{} // held by who works and who waits
	slots   chan struct{} // held by who works
}

func newQueue(waiting int) *queue {
	workers := runtime.GOMAXPROCS(0)
	return &queue{tickets: make(chan struct{}, workers+waiting), slots: make(chan struct{}, workers)}
}

// do works when it is this caller's turn.
func (q *queue) do(ctx context.Context, work func() error) error {
	select {
	case q.tickets <- struct{}{}:
		defer func() { <-q.tickets }()
	default:
		return errQueueFull
	}
	select {
	case q.slots <- struct{}{}:
		defer func() { <-q.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return work()
}

// idle works only if a processor is free now.
func (q *queue) idle(work func() error) error {
	select {
	case q.slots <- struct{}{}:
		defer func() { <-q.slots }()
	default:
		return errQueueFull
	}
	return work()
}

// errQueueFull is made once: it is the answer when there is no time for more.
var errQueueFull = refuse(ocspsvc.TryLater, "the signing queue is full")
