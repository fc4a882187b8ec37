package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"dwaar/acme"
	"dwaar/acme/issuing"
	"dwaar/ocspsvc/stapler"
	"dwaar/proxy/config"
	"dwaar/tlsstore"
)

// shown are the certificates of dwaar's own that handshakes may see.
type shown struct {
	mu      sync.Mutex                // guards the rest, and orders what is bound
	pairs   map[string]*tlsstore.Pair // by the name of config.Automatic
	waiting map[string]*tlsstore.Pair // their successors, until they have a staple
}

// stapleWait bounds how long a renewed certificate waits for its staple while
// the one before serves.
const stapleWait = 10 * time.Second

// bindings are what p serves with the certificates there are now. It is called
// with shown.mu held.
func (s *Server) bindings(p *plan) []tlsstore.Binding {
	all := slices.Clone(p.bindings)
	for _, a := range p.cfg.Automatic {
		pair := s.shown.pairs[a.Name]
		if pair == nil && !a.OnDemand {
			continue // the handshake is refused until it is there
		}
		if a.OnDemand {
			pair = nil
		}
		for _, listener := range a.Listeners {
			all = append(all, tlsstore.Binding{
				Listener: listener, Names: []string{a.Name}, Pair: pair, OnDemand: a.OnDemand, OCSPOff: a.OCSPOff,
			})
		}
	}
	for _, pair := range s.shown.waiting {
		all = append(all, tlsstore.Binding{Pair: pair, Waiting: true})
	}
	return all
}

// bind serves p with the certificates that are kept now.
func (s *Server) bind(p *plan) error {
	s.shown.mu.Lock()
	defer s.shown.mu.Unlock()
	s.shown.pairs = map[string]*tlsstore.Pair{}
	for cert := range s.acme.Certificates() {
		if cert.Source == acme.SourceOnDemand {
			continue // the store keeps them by itself
		}
		if pair, err := pairOf(cert); err != nil {
			s.log.Error("a certificate cannot be served", "names", []string{cert.Name}, "err", err)
		} else {
			s.shown.pairs[cert.Name] = pair
		}
	}
	return s.certs.Reconfigure(p.cfg.TLS, s.bindings(p))
}

// change is a change of what is shown.
func (s *Server) change(what func(*shown)) {
	s.shown.mu.Lock()
	defer s.shown.mu.Unlock()
	what(&s.shown)
	if err := s.certs.Apply(s.bindings(s.plan.Load())); err != nil {
		s.log.Error("certificates cannot be served", "err", err)
	}
}

// adopt serves what the manager has got for a name, or no longer keeps.
func (s *Server) adopt(ctx context.Context, name string) {
	cert, kept := s.acme.Certificate(name)
	if !kept {
		s.certs.Forget(name)
		return
	}
	pair, err := pairOf(cert)
	switch {
	case err != nil:
	case cert.Source == acme.SourceOnDemand:
		err = s.certs.Put(name, pair)
	default:
		s.succeed(ctx, name, pair)
	}
	if err != nil {
		s.log.Error("a certificate cannot be served", "names", []string{name}, "err", err)
	}
	s.sync()
}

// succeed binds pair. Where a certificate serves that is still good, pair waits
// for its staple first, so that no handshake in between is without one. One
// that clients refuse without a staple waits for as long as the other is good.
func (s *Server) succeed(ctx context.Context, name string, pair *tlsstore.Pair) {
	if !s.serves(name) {
		s.promote(name, pair)
		return
	}
	s.change(func(now *shown) { now.waiting[name] = pair })
	s.sync()
	ctx, cancel := context.WithTimeout(ctx, stapleWait)
	defer cancel()
	if _, err := s.stapler.Refresh(ctx, pair.Fingerprint); err != nil && pair.MustStaple {
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
				s.sync()
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

// sync tells everybody that other leaves are served.
func (s *Server) sync() {
	s.stapler.Sync()
	s.crl.Sync()
}

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

func pairOf(cert acme.Certificate) (*tlsstore.Pair, error) {
	pair, err := tlsstore.ParsePair(cert.CertPEM, cert.KeyPEM)
	if err != nil {
		return nil, fmt.Errorf("certificate of %s: %w", cert.Name, err)
	}
	return pair.From(tlsstore.Source(cert.Source)), nil
}

// policies are all that p gets certificates by.
func (p *plan) policies() []issuing.Policy {
	all := slices.Clone(p.cfg.ACME.Policies)
	if p.cfg.ACME.OnDemand != nil {
		all = append(all, p.cfg.ACME.OnDemand.Policies...)
	}
	return all
}
