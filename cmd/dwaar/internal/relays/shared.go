package relays

import (
	"context"
	"errors"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"dwaar/cmd/dwaar/internal/alone"
)

// Shared is a storage that relays have in common, and may be down:
// cluster.Cluster is one.
type Shared interface {
	Storage
	OnChange(changed func(keys []string, all bool))
	Connect(ctx context.Context) error
	Run(ctx context.Context) error
	Close() error
	Collectors() []prometheus.Collector
}

// NewSharing is NewServer with a storage that other relays have, too: all of them
// together ask once for each answer. The server closes it.
func NewSharing(cfg Config, shared Shared, opts alone.Options, log *slog.Logger) *alone.Server {
	set := New(shared, log)
	shared.OnChange(func(keys []string, all bool) {
		if all {
			keys = []string{""}
		}
		for _, key := range keys {
			set.Stored(key)
		}
	})
	return alone.NewServer(sharing{service{set, cfg}, shared}, opts, log)
}

// sharing is a service with its storage.
type sharing struct {
	service
	shared Shared
}

// Prepare is part of [alone.Service]. A start looks for what the others have, and
// goes on without.
func (s sharing) Prepare(ctx context.Context, patient bool) (alone.Change, error) {
	if patient {
		if err := s.shared.Connect(ctx); err != nil {
			return nil, err
		}
	}
	return s.service.Prepare(ctx, patient)
}

// Run is part of [alone.Service]. The storage outlives the relay.
func (s sharing) Run(ctx context.Context) error {
	beside, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- s.shared.Run(beside) }()
	err := s.service.Run(ctx)
	stop()
	if broken := <-ended; !errors.Is(broken, context.Canceled) {
		err = errors.Join(err, broken)
	}
	return errors.Join(err, s.shared.Close())
}

// Close is part of [alone.Service].
func (s sharing) Close() {
	s.service.Close()
	_ = s.shared.Close() // the process ends
}

// Metrics is part of [alone.Service].
func (s sharing) Metrics() (prometheus.Gatherers, error) {
	all, err := s.service.Metrics()
	if err != nil {
		return nil, err
	}
	registry := prometheus.NewRegistry()
	for _, c := range s.shared.Collectors() {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	return append(all, registry), nil
}
