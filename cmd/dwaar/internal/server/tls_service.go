package server

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"
)

// tlsService is the TLS background service: what keeps certificates as they
// should be while others serve them.
func (s *Server) tlsService(ctx context.Context) error {
	s.certs.OnChange(s.stapler.Sync)
	s.certs.OnUnstapled(s.stapler.Asked)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return ended(s.certs.Run(ctx)) })
	group.Go(func() error { return ended(s.stapler.Run(ctx)) })
	return group.Wait()
}

// ended is err, unless that only says that the context has ended.
func ended(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
