package responders

import (
	"context"
	"log/slog"
	"net/http"

	"dwaar/cmd/dwaar/internal/alone"
)

// NewServer returns a server of one responder with listeners of its own. It opens
// nothing. Its Run fails on a bad file and on a database that cannot be opened;
// only a database server that is away is waited for. Its Reload reads the files
// again: a renewed signer signs from now on.
func NewServer(cfg Config, opts alone.Options, log *slog.Logger) *alone.Server {
	return alone.NewServer(service{New(log), cfg}, opts, log)
}

// service is a set of one responder.
type service struct {
	*Set
	cfg Config
}

// Attrs is part of [alone.Service].
func (s service) Attrs() []any { return []any{"database", s.cfg.Records.Database} }

// Prepare is part of [alone.Service].
func (s service) Prepare(ctx context.Context, patient bool) (alone.Change, error) {
	loaded, err := Load(s.cfg)
	if err != nil {
		return nil, err
	}
	for _, warning := range loaded.Warnings {
		s.log.Warn(warning)
	}
	change, err := s.Set.Prepare(ctx, []*Loaded{loaded}, patient)
	if err != nil {
		return nil, err
	}
	return only{change}, nil
}

// only is a change to one responder.
type only struct{ *Change }

// Handler is part of [alone.Change].
func (c only) Handler() http.Handler { return c.handler(0) }
