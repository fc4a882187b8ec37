package tlsstore

import (
	"context"
	"crypto/tls"
	"slices"
	"time"
)

// TLSConfig returns the configuration of a listener, offering nextProtos (ALPN). It stays
// valid: what Apply binds to the listener later is served from it. Versions from TLS 1.2 on;
// the rest is what crypto/tls chooses.
func (s *Store) TLSConfig(listener string, nextProtos []string) *tls.Config {
	base := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: nextProtos}
	refused := &tls.Config{MinVersion: tls.VersionTLS12, SessionTicketsDisabled: true}
	base.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if config := s.challenge(hello); config != nil {
			return config, nil
		}
		h, reason, err := s.begin(listener, hello)
		if reason != "" {
			// Without certificates and tickets every way through the handshake ends in the
			// alert unrecognized_name, resumption too (RFC 6066 §3).
			s.refuse(reason, hello, h, err)
			if reason == noStaple {
				s.ask(h.entry)
			}
			return refused, nil
		}
		return &tls.Config{
			MinVersion:     tls.VersionTLS12,
			NextProtos:     nextProtos,
			GetCertificate: h.certificate,
			WrapSession:    h.wrap,
			UnwrapSession:  h.unwrap,
		}, nil
	}
	return base
}

// handshake is one under way. Which leaf it is about is decided once, in begin; so a ticket
// made or accepted at its end is of that leaf, whatever Apply does meanwhile.
type handshake struct {
	store *Store
	candidate
	name  string           // SNI in normal form
	plain *tls.Certificate // the body, if it was in memory in begin
}

// begin chooses the certificate of a handshake, or gives the reason to refuse it.
func (s *Store) begin(listener string, hello *tls.ClientHelloInfo) (*handshake, refusal, error) {
	x := s.current.Load()
	list, of := x.lookup(listener, hello.ServerName, localAddr(hello))
	if len(list) == 0 {
		return nil, unknownName, nil
	}
	h := &handshake{store: s}
	h.name, _ = normalName(hello.ServerName)
	if onDemand(list) {
		got, reason, err := s.demand(hello.Context(), of)
		if reason != "" {
			return nil, reason, err
		}
		h.candidate, h.plain = candidate{got.entry, list[0].rules}, got.plain
		return h, h.entry.refusal(x.cfg, h.rules, time.Now()), nil
	}
	var reason refusal
	h.candidate, reason = s.choose(x.cfg, list, hello)
	if st := s.inMemory(h.entry); st != nil {
		h.plain = st.plain
	}
	return h, reason, nil
}

// choose returns the first alternative that the client supports and that is not refused. If
// there is none it is the first the client supports, or the first, and why it is refused.
func (s *Store) choose(cfg Config, list []candidate, hello *tls.ClientHelloInfo) (candidate, refusal) {
	now, best := time.Now(), list[0]
	if len(list) > 1 {
		list = s.supported(list, hello)
	}
	for i, c := range list {
		if c.entry.refusal(cfg, c.rules, now) == "" {
			return c, ""
		}
		if i == 0 {
			best = c
		}
	}
	return best, best.entry.refusal(cfg, best.rules, now)
}

// supported returns the alternatives whose keys and algorithms the client supports; the name
// is settled already.
func (s *Store) supported(list []candidate, hello *tls.ClientHelloInfo) (some []candidate) {
	anyName := *hello
	anyName.ServerName = ""
	for _, c := range list {
		st, err := s.stateOf(hello.Context(), c.entry)
		if err == nil && anyName.SupportsCertificate(st.plain) == nil {
			some = append(some, c)
		}
	}
	return some
}

// certificate is tls.Config.GetCertificate.
func (h *handshake) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	st, err := h.state(hello.Context())
	if err != nil {
		h.store.refuse(loadFailed, hello, h, err)
		return nil, err
	}
	cert := st.certificate(time.Now(), h.ocspOff)
	h.store.count(h, cert, slices.Contains(hello.Extensions, statusRequest))
	return cert, nil
}

// state returns what the entry serves, with the body that begin has seen even if it has left
// memory or the store since: what can be loaded now may be another leaf's.
func (h *handshake) state(ctx context.Context) (*state, error) {
	st := h.entry.state.Load()
	switch {
	case st.plain != nil:
		return st, nil
	case h.plain == nil:
		return h.store.stateOf(ctx, h.entry)
	}
	whole := *st
	whole.plain = h.plain
	whole.join()
	return &whole, nil
}

// count keeps the statistics, and tells who keeps staples fresh of a client that went without.
func (s *Store) count(h *handshake, cert *tls.Certificate, requested bool) {
	switch {
	case !requested:
		s.metrics.notRequested.Inc()
	case cert.OCSPStaple != nil:
		s.metrics.stapled.Inc()
	default:
		s.metrics.unstapled.Inc()
		if !h.ocspOff {
			s.ask(h.entry)
		}
	}
}
