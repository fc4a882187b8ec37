package server

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"
)

// errDrained ends the other parts when the last request has been served.
var errDrained = errors.New("drained")

// Run serves until ctx ends, and then drains. A socket that cannot be bound is
// an error; a responder that is down is none.
//
// The order matters: sockets are bound first, so that a start fails early;
// staples are there before the first connection is taken (S1); and at the end
// the background service outlives the last request, and the storage that service.
func (s *Server) Run(ctx context.Context) error {
	defer s.logging.close()
	defer s.closeStorage()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s.stop.Store(&stop)
	p := s.plan.Load()
	prepared, err := s.open(ctx, p)
	if err != nil && ctx.Err() != nil {
		return nil // stopped before it began
	}
	if err != nil {
		return err
	}
	defer s.door.Close()
	connected, endStorage := s.runStorage(ctx)
	defer endStorage()
	group, background := errgroup.WithContext(context.WithoutCancel(ctx))
	defer context.AfterFunc(background, stop)() // a part that fails stops the others
	group.Go(func() error { return s.door.Run(background) })
	group.Go(func() error { return s.ocsp.Run(background) })
	group.Go(func() error { return s.relays.Run(background) })
	group.Go(func() error {
		if err := s.begin(ctx, connected, prepared); err != nil {
			return err
		}
		group.Go(func() error { return s.tlsService(background) })
		s.announce(p)
		return errors.Join(s.http.Run(ctx), errDrained)
	})
	if err := group.Wait(); !errors.Is(err, errDrained) {
		return err
	}
	return nil
}

// open binds every socket.
func (s *Server) open(ctx context.Context, p *plan) (*prepared, error) {
	if err := s.door.Listen(); err != nil {
		return nil, err
	}
	prepared, err := s.prepare(ctx, p, true)
	if err != nil {
		s.door.Close()
		return nil, err
	}
	return prepared, nil
}

// begin gets certificates and staples, once the storage has them, and lets
// connections in.
func (s *Server) begin(ctx context.Context, connected <-chan error, prepared *prepared) error {
	defer prepared.Abort() // of what was not committed
	if err := <-connected; err != nil {
		return err
	}
	prepared.responders.Commit()
	prepared.relays.Commit()
	if err := errors.Join(s.issuing.Settle(ctx), s.acme.Load(ctx)); err != nil {
		return errDrained // stopped before it began
	}
	if err := s.bind(s.plan.Load()); err != nil {
		return err
	}
	if err := s.staple(ctx); err != nil {
		return errDrained
	}
	return prepared.Commit()
}

// staple attaches the stored staples of all certificates, takes in the stored
// CRLs, and fetches for those that never had a staple, for at most start_wait.
func (s *Server) staple(ctx context.Context) error {
	if err := s.stapler.Load(ctx); err != nil {
		return err
	}
	if err := s.crl.Load(ctx); err != nil {
		return err
	}
	s.stapler.Prime(ctx)
	return ctx.Err()
}

func (s *Server) announce(p *plan) {
	s.ready.Store(true)
	s.warn(p)
	s.log.Info("serving", "config", s.ConfigPath(), "listeners", addresses(p), "certificates", len(p.cfg.Certificates))
	if s.opts.Ready != nil {
		s.opts.Ready()
	}
}

func addresses(p *plan) []string {
	list := make([]string, len(p.cfg.HTTP.Listeners))
	for i, l := range p.cfg.HTTP.Listeners {
		list[i] = l.Address
	}
	return list
}
