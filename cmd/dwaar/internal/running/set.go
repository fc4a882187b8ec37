package running

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Service is what answers requests. It can do so before Run, too.
type Service interface {
	comparable
	// Name is what people call it. Two may have the same.
	Name() string
	// Run is all that goes on beside answering, until ctx ends.
	Run(ctx context.Context)
	// Close gives up what the service holds, after Run or instead.
	Close() error
	// Collectors are its metrics.
	Collectors() []prometheus.Collector
}

// Digest is the same for two services that would do the same.
type Digest = [sha256.Size]byte

// Set are the services of one kind.
type Set[S Service] struct {
	log *slog.Logger

	mu      sync.Mutex // guards the rest
	now     []*member[S]
	retired []*member[S]  // not in use any more, and still open
	changed chan struct{} // wakes Run
}

// member is a service in its place.
type member[S Service] struct {
	service S
	digest  Digest
	started bool               // owned by Run
	stop    context.CancelFunc // owned by Run
}

// New returns an empty set.
func New[S Service](log *slog.Logger) *Set[S] {
	return &Set[S]{log: log, changed: make(chan struct{}, 1)}
}

// All are the services that run.
func (s *Set[S]) All() []S {
	s.mu.Lock()
	defer s.mu.Unlock()
	return services(s.now)
}

func services[S Service](members []*member[S]) []S {
	all := make([]S, len(members))
	for i, m := range members {
		all[i] = m.service
	}
	return all
}

// linger is how long a service may still be asked that others have taken the
// place of: requests that were on their way to it.
const linger = 10 * time.Second

// Run keeps the services running until ctx ends, and then closes them.
func (s *Set[S]) Run(ctx context.Context) error {
	var group sync.WaitGroup
	for {
		started, ended := s.turn()
		for _, m := range ended {
			group.Go(func() { s.end(ctx, m) })
		}
		for _, m := range started {
			within, stop := context.WithCancel(ctx)
			m.stop = stop
			group.Go(func() { m.service.Run(within) })
		}
		select {
		case <-ctx.Done():
			group.Wait()
			s.Close()
			return nil
		case <-s.changed:
		}
	}
}

// turn gives those that have to be started, and those that have to end.
func (s *Set[S]) turn() (started, ended []*member[S]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.now {
		if !m.started {
			m.started = true
			started = append(started, m)
		}
	}
	ended, s.retired = s.retired, nil
	return started, ended
}

// end closes what is not asked any more.
func (s *Set[S]) end(ctx context.Context, m *member[S]) {
	timer := time.NewTimer(linger)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
	if m.stop != nil {
		m.stop()
	}
	s.close(m)
}

// Close closes the services without Run.
func (s *Set[S]) Close() {
	s.mu.Lock()
	all := slices.Concat(s.now, s.retired)
	s.now, s.retired = nil, nil
	s.mu.Unlock()
	for _, m := range all {
		s.close(m)
	}
}

func (s *Set[S]) close(m *member[S]) {
	if err := m.service.Close(); err != nil {
		s.log.Warn("closing what is not in use any more", "service", m.service.Name(), "err", err)
	}
}
