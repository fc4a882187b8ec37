// Package mirror lets a node go on while the storage that it shares with others is down.
package mirror

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"dwaar/tlsstore/storage"
)

// Mirror is a shared storage with a local copy.
type Mirror struct {
	storage.Shared
	local    storage.Storage
	log      *slog.Logger
	onChange func(keys []string, all bool)
}

// New makes a Mirror of shared with a copy in local, which is nobody else's.
func New(shared storage.Shared, local storage.Storage, log *slog.Logger) *Mirror {
	return &Mirror{Shared: shared, local: local, log: log}
}

// OnChange has f called with the keys that other nodes have changed, once the local copy has
// the change; all means that anything may have changed. Call it before Run.
func (m *Mirror) OnChange(f func(keys []string, all bool)) { m.onChange = f }

// Connect tries once to reach the shared storage, within seconds. Without it, or Run, a Mirror
// is down. Its error is what Status says, too; a start goes on.
func (m *Mirror) Connect(ctx context.Context) error { return m.Ping(ctx) }

// Run keeps both in step until ctx ends.
func (m *Mirror) Run(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// Status says how a Mirror is.
type Status struct {
	Up    bool      // the shared storage is used
	Since time.Time // when that changed last
	Error string    // why it is down; empty if it is up
	Owed  int       // answers that the shared storage does not have yet

	LocalError string // why the local copy is not written; empty if it is
}

// Status returns how it is now.
func (m *Mirror) Status() Status { return Status{Up: true} }

// Collectors returns what is counted, for the caller to register.
func (m *Mirror) Collectors() []prometheus.Collector { return nil }
