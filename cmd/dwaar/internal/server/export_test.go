package server

import (
	"context"

	"dwaar/ocspsvc"
	"dwaar/tlsstore"
)

// Hold goes back to the moment in which next, or if that is nil the certificate
// that the manager has for a name, waits for its staple, while one from before
// serves.
func (s *Server) Hold(name string, before, next *tlsstore.Pair) (err error) {
	if next == nil {
		cert, _ := s.acme.Certificate(name)
		if next, err = pairOf(cert); err != nil {
			return err
		}
	}
	s.change(func(now *shown) { now.pairs[name], now.waiting[name] = before, next })
	return nil
}

// Succeed lets next follow what is served for a name.
func (s *Server) Succeed(ctx context.Context, name string, next *tlsstore.Pair) {
	s.succeed(ctx, name, next)
}

// ListSays is what the CRL watcher says when a list stops to name a leaf.
func (s *Server) ListSays(leaf [32]byte, verdict ocspsvc.Verdict) {
	s.byCRL().Revocation(leaf, verdict)
}

// ResponderSays is the same of the stapler.
func (s *Server) ResponderSays(leaf [32]byte, verdict ocspsvc.Verdict) {
	s.byOCSP().Revocation(leaf, verdict)
}
