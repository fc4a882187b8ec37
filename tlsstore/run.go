package tlsstore

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
)

// Run watches the files of the pairs that are served, raises must-staple alarms, and calls
// what OnUnstapled and OnChange have set, until ctx is done. It returns ctx's error and leaves
// nothing running.
func (s *Store) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.everySecond(ctx) })
	group.Go(func() error { return s.passOn(ctx) })
	return group.Wait()
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
