package server

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"dwaar/acme"
	"dwaar/acme/issuing"
	"dwaar/tlsstore"
)

// shown are the certificates of dwaar's own that handshakes may see.
type shown struct {
	mu      sync.Mutex                // guards the rest, and orders what is bound
	pairs   map[string]*tlsstore.Pair // by the name of config.Automatic
	waiting map[string]*tlsstore.Pair // their successors, until they have a staple
}

// bindings are what p serves with the certificates there are now. It is called
// with shown.mu held.
func (s *Server) bindings(p *plan) []tlsstore.Binding {
	all := slices.Clone(p.bindings)
	for _, a := range p.cfg.Automatic {
		pair := s.shown.pairs[a.Name]
		if pair == nil && !a.OnDemand {
			continue // the handshake is refused until it is there
		}
		for _, listener := range a.Listeners {
			all = append(all, tlsstore.Binding{
				Listener: listener, Names: []string{a.Name}, Pair: pair, OnDemand: a.OnDemand, OCSPOff: a.OCSPOff,
				OnRevoked: a.OCSP.OnRevoked, MustStapleWait: a.OCSP.MustStapleWait, Note: noteOf(a.OCSP),
			})
		}
	}
	for name, pair := range s.shown.waiting {
		all = append(all, tlsstore.Binding{Pair: pair, Waiting: true, Note: noteOf(p.staplingFor(name))})
	}
	return all
}

// bind serves p with the certificates that are kept now, but none that still
// waits for its staple.
func (s *Server) bind(p *plan) error {
	s.shown.mu.Lock()
	defer s.shown.mu.Unlock()
	before := s.shown.pairs
	s.shown.pairs = map[string]*tlsstore.Pair{}
	for cert := range s.acme.Certificates() {
		if cert.Source == acme.SourceOnDemand {
			continue // the store keeps them by itself
		}
		if pair, err := pairOf(cert); err != nil {
			s.log.Error("a certificate cannot be served", "names", []string{cert.Name}, "err", err)
		} else {
			s.shown.pairs[cert.Name] = s.shown.served(cert.Name, pair, before[cert.Name])
		}
	}
	for name := range s.shown.waiting { // also if that was put away meanwhile
		if s.shown.pairs[name] == nil && before[name] != nil {
			s.shown.pairs[name] = before[name]
		}
	}
	return s.certs.Reconfigure(p.cfg.TLS, s.bindings(p))
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
		err = s.certs.Put(name, pair) // and the store says so, thousands at a time
	default:
		s.succeed(ctx, name, pair)
	}
	if err != nil {
		s.log.Error("a certificate cannot be served", "names", []string{name}, "err", err)
	}
}

// sync tells everybody that other leaves are served.
func (s *Server) sync() {
	s.stapler.Sync()
	s.crl.Sync()
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

// challenges are those that p's listeners can be asked, wherever the ports of CAs lead from:
// http-01 wants one without TLS, and tls-alpn-01 one with it.
func (p *plan) challenges() issuing.Options {
	opts := issuing.Options{NoHTTP01: true, NoTLSALPN01: true}
	for _, l := range p.cfg.HTTP.Listeners {
		if l.TLS {
			opts.NoTLSALPN01 = false
		} else {
			opts.NoHTTP01 = false
		}
	}
	return opts
}
