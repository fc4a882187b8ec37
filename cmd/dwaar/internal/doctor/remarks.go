package doctor

import (
	"context"
	"log/slog"
	"sync"
)

// remarks keeps the warnings of a log.
type remarks struct {
	mu  sync.Mutex // guards the rest
	all []string
}

// Enabled is part of slog.Handler.
func (*remarks) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

// Handle is part of slog.Handler.
func (r *remarks) Handle(_ context.Context, record slog.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, record.Message)
	return nil
}

// WithAttrs is part of slog.Handler.
func (r *remarks) WithAttrs([]slog.Attr) slog.Handler { return r }

// WithGroup is part of slog.Handler.
func (r *remarks) WithGroup(string) slog.Handler { return r }
