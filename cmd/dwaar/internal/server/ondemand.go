package server

import (
	"context"
	"errors"

	"dwaar/tlsstore"
)

// onDemand gets certificates for clients that wait.
func (s *Server) onDemand() tlsstore.OnDemand {
	return tlsstore.OnDemand{
		Obtain: func(ctx context.Context, name string) (*tlsstore.Pair, error) {
			cert, err := s.acme.Obtain(ctx, name)
			if err != nil {
				return nil, err
			}
			return pairOf(cert)
		},
		Load: func(_ context.Context, name string) (*tlsstore.Pair, error) {
			cert, kept := s.acme.Certificate(name)
			if !kept {
				return nil, errors.New("it is not kept any more")
			}
			return pairOf(cert)
		},
	}
}
