package tlsstore

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
)

// tellEvery bounds what thousands of new on-demand certificates cost those who are told.
const tellEvery = time.Second

// Run watches the files of the pairs that are served, raises must-staple alarms, and calls
// what OnUnstapled and OnChange have set, until ctx is done; then it ends the getting of
// certificates on demand. It returns ctx's error and leaves nothing running. A store runs
// once.
func (s *Store) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.everySecond(ctx) })
	group.Go(func() error { return s.passOn(ctx) })
	group.Go(func() error { return s.tell(ctx) })
	defer s.asks.end()
	return group.Wait()
}

// tell calls what OnChange has set, at once and then at most every tellEvery.
func (s *Store) tell(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.changed:
		}
		if call := s.onChange.Load(); call != nil {
			(*call)()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(tellEvery):
		}
	}
}

// hasChanged makes tell call. It never blocks.
func (s *Store) hasChanged() {
	select {
	case s.changed <- struct{}{}:
	default: // it will call anyway
	}
}

func (s *Store) everySecond(ctx context.Context) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			s.poll(ctx)
			s.checkAlarms()
		}
	}
}
