package relays

import (
	"context"
	"log/slog"
	"net/http"

	"dwaar/cmd/dwaar/internal/alone"
	"dwaar/netguard"
	"dwaar/ocspsvc/relay"
)

// Config is what is said of one relay and of whom it may ask.
type Config struct {
	Relay relay.Config
	Guard netguard.Config
}

// NewServer returns a server of one relay with listeners of its own, which keeps
// its answers in storage. It opens nothing. Its Run fails on a bad file. Its
// Reload reads the files again: a renewed issuer counts from now on.
func NewServer(cfg Config, storage Storage, opts alone.Options, log *slog.Logger) *alone.Server {
	return alone.NewServer(service{New(storage, log), cfg}, opts, log)
}

// service is a set of one relay.
type service struct {
	*Set
	cfg Config
}

// Attrs is part of [alone.Service].
func (service) Attrs() []any { return nil }

// Ready is part of [alone.Service]. Who has no answer yet asks for it.
func (service) Ready() error { return nil }

// Prepare is part of [alone.Service].
func (s service) Prepare(context.Context, bool) (alone.Change, error) {
	guard, err := netguard.New(s.cfg.Guard)
	if err != nil {
		return nil, err
	}
	loaded, err := Load(s.cfg.Relay)
	if err != nil {
		return nil, err
	}
	for _, warning := range append(loaded.Warnings, loaded.Blocked(guard)...) {
		s.log.Warn(warning)
	}
	change, err := s.Set.Prepare([]*Loaded{loaded}, guard)
	if err != nil {
		return nil, err
	}
	return only{change}, nil
}

// only is a change to one relay.
type only struct{ *Change }

// Handler is part of [alone.Change].
func (c only) Handler() http.Handler { return c.handler(0) }
