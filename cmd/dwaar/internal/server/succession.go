package server

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/stapler"
	"dwaar/proxy/config"
	"dwaar/tlsstore"
)

// stapleWait bounds how long a renewed certificate waits for its staple while
// the one before serves.
const stapleWait = 10 * time.Second

// succeed binds pair. Where a certificate serves that is still good, pair waits
// for its staple first, so that no handshake in between is without one. One
// that clients refuse without a staple, or that is revoked, waits for as long as
// the other is good.
func (s *Server) succeed(ctx context.Context, name string, pair *tlsstore.Pair) {
	if !s.serves(name) {
		s.promote(name, pair)
		return
	}
	s.change(func(now *shown) { now.waiting[name] = pair })
	ctx, cancel := context.WithTimeout(ctx, stapleWait)
	defer cancel()
	status, err := s.stapler.Refresh(ctx, pair.Fingerprint)
	switch {
	case status.Reason == ocspsvc.ReasonRevoked: // and the manager knows
		s.log.Warn("a renewed certificate is revoked already, the one before serves on", "names", []string{name}, "serial", pair.Serial)
		return
	case err != nil && pair.MustStaple:
		s.log.Warn("a renewed must-staple certificate waits for its staple, the one before serves on",
			"names", []string{name}, "serial", pair.Serial, "err", err)
		return
	}
	s.promote(name, pair)
}

// promote binds pair, whatever has been waiting.
func (s *Server) promote(name string, pair *tlsstore.Pair) {
	s.change(func(now *shown) { now.promote(name, pair) })
}

// served is which of two certificates handshakes see: the one before, if there
// is one, while next waits.
func (now *shown) served(name string, next, before *tlsstore.Pair) *tlsstore.Pair {
	if waiting := now.waiting[name]; before != nil && waiting != nil && waiting.Fingerprint == next.Fingerprint {
		return before
	}
	return next
}

func (now *shown) promote(name string, pair *tlsstore.Pair) {
	delete(now.waiting, name)
	now.pairs[name] = pair
}

// promoteReady promotes, until ctx ends, what waits for a staple and has it, or
// has waited for as long as the certificate before was good.
func (s *Server) promoteReady(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for name, pair := range s.patient() {
			if s.stapler.Status(pair.Fingerprint).State == stapler.Fresh || !s.serves(name) {
				s.change(func(now *shown) {
					if now.waiting[name] == pair { // and not a still newer one
						now.promote(name, pair)
					}
				})
			}
		}
	}
}

// patient are those that wait.
func (s *Server) patient() map[string]*tlsstore.Pair {
	s.shown.mu.Lock()
	defer s.shown.mu.Unlock()
	return maps.Clone(s.shown.waiting)
}

// serves reports whether handshakes for name get a certificate that is valid.
func (s *Server) serves(name string) bool {
	s.shown.mu.Lock()
	pair := s.shown.pairs[name]
	s.shown.mu.Unlock()
	if pair == nil || pair.Warning(time.Now()) != "" {
		return false
	}
	sni := strings.Replace(name, "*.", "any-label.", 1)
	return slices.ContainsFunc(s.plan.Load().cfg.Automatic, func(a config.Automatic) bool {
		return a.Name == name && slices.ContainsFunc(a.Listeners, func(listener string) bool {
			return s.certs.Lookup(listener, sni) != nil
		})
	})
}
