package relay

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Storage is what a relay needs to keep answers for longer than it lives: a data
// directory, or something that several relays share. tlsstore/storage has it.
// Load and List of what is not there fail with an error that is fs.ErrNotExist.
type Storage interface {
	Store(ctx context.Context, key string, value []byte) error
	Load(ctx context.Context, key string) ([]byte, error)
	Delete(ctx context.Context, key string) error
	List(ctx context.Context, prefix string, recursive bool) ([]string, error)
}

// Bounds of what storage may cost. A disk that hangs is one that no context can
// reach, so what waits for it is bounded too.
const (
	maxPending = 4096 // answers that wait to be written
	maxLoads   = 16   // readings at a time
	loadWait   = time.Second
	lastWrites = 5 * time.Second // at the end
)

// shelf is the answers in storage. One goroutine, Run's, writes and deletes.
type shelf struct {
	storage Storage // nil: there is none
	max     int
	counts  *counts
	log     *slog.Logger
	loads   chan struct{} // held by readings
	wake    chan struct{}
	failing bool      // the last write did; owned by run
	full    sync.Once // to say so

	mu      sync.Mutex        // guards the rest
	pending map[key]*writing  // to be written
	known   map[key]time.Time // what storage has, and when it ends; zero if that is not known
}

func newShelf(storage Storage, most int, counts *counts, log *slog.Logger) *shelf {
	return &shelf{
		storage: storage, max: most, counts: counts, log: log, loads: make(chan struct{}, maxLoads),
		wake: make(chan struct{}, 1), pending: map[key]*writing{}, known: map[key]time.Time{},
	}
}

// writing is an answer that waits to be written.
type writing struct {
	subject
	answer *answer
	done   func() // it is written, or will not be
}

// put has an answer stored soon. What there is no room for stays in memory.
func (s *shelf) put(w *writing) {
	if s.storage == nil {
		w.done()
		return
	}
	s.mu.Lock()
	_, known := s.known[w.key]
	before := s.pending[w.key]
	room := before != nil || len(s.pending) < maxPending && (known || len(s.known)+len(s.pending) < s.max)
	if room {
		s.pending[w.key] = w
	}
	s.mu.Unlock()
	if before != nil {
		before.done()
	}
	if !room {
		w.done()
		s.counts.storeErrors.Inc()
		s.full.Do(func() {
			s.log.Warn("there is no room for all OCSP answers in storage; some are relayed from memory only", "limit", s.max)
		})
		return
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// next takes an answer that waits to be written.
func (s *shelf) next() *writing {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, w := range s.pending {
		delete(s.pending, k)
		s.known[k] = w.answer.until
		return w
	}
	return nil
}

// run writes and sweeps until ctx ends, and then writes what still waits.
func (s *shelf) run(ctx context.Context) {
	if s.storage == nil {
		return
	}
	s.count(ctx)
	timer := time.NewTimer(sweepFirst)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWrites)
			defer cancel()
			s.write(ctx)
			return
		case <-s.wake:
			s.write(ctx)
		case <-timer.C:
			s.sweep(ctx)
			timer.Reset(sweepEvery)
		}
	}
}
