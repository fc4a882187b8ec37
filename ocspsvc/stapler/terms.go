package stapler

import (
	"cmp"
	"strings"
	"time"
)

// Terms hold for one certificate instead of what Config says for all. A zero
// or negative field is as there.
type Terms struct {
	RefreshEvery time.Duration
	MaxAge       time.Duration
	NextUpdate   NextUpdate
	// Responder is whom the Fetcher asks, whatever the certificate says. Who
	// shares a responder waits for each other while it is down.
	Responder string
}

// NextUpdate is whether a certificate's responses need a nextUpdate.
type NextUpdate uint8

const (
	NextUpdateAsConfigured NextUpdate = iota
	NextUpdateRequired
	NextUpdateOptional
)

// of is cfg as these terms have it.
func (t Terms) of(cfg Config) Config {
	if t.RefreshEvery > 0 {
		cfg.RefreshEvery = t.RefreshEvery
	}
	if t.MaxAge > 0 {
		cfg.MaxAge = t.MaxAge
	}
	if t.NextUpdate != NextUpdateAsConfigured {
		cfg.RequireNextUpdate = t.NextUpdate == NextUpdateRequired
	}
	return cfg
}

// askedOf is the responder of the certificate's rounds, "" if it is not known.
func (c *certificate) askedOf() string { return cmp.Or(c.terms.Responder, c.responder) }

// laneOf is whom c's next round depends on, where name is what its leaf says.
func (c *certificate) laneOf(name string) string {
	if c.terms.Responder == "" || strings.HasPrefix(name, issuerFrom) {
		return name
	}
	return host(c.terms.Responder)
}

// configOf is what holds for c. It takes s.mu.
func (s *Service) configOf(c *certificate) Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.configHeld(c)
}

// configHeld is configOf for who has s.mu.
func (s *Service) configHeld(c *certificate) Config { return c.terms.of(s.settings.Load().cfg) }
