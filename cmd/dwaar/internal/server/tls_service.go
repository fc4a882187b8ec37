package server

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"
)

// tlsService is the TLS background service: what keeps certificates as they
// should be while others serve them.
func (s *Server) tlsService(ctx context.Context) error {
	s.acme.OnChange(func(name string) { s.adopt(ctx, name) })
	group, ctx := errgroup.WithContext(ctx)
	for _, run := range []func(context.Context) error{s.certs.Run, s.stapler.Run, s.crl.Run, s.acme.Run, s.promoteReady} {
		group.Go(func() error { return ended(run(ctx)) })
	}
	return group.Wait()
}

// ended is err, unless that only says that the context has ended.
func ended(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
