package relay

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"dwaar/ocspsvc"
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
	pending map[key]record    // to be written
	known   map[key]time.Time // what storage has, and when it ends; zero if that is not known
}

func newShelf(storage Storage, most int, counts *counts, log *slog.Logger) *shelf {
	return &shelf{
		storage: storage, max: most, counts: counts, log: log, loads: make(chan struct{}, maxLoads),
		wake: make(chan struct{}, 1), pending: map[key]record{}, known: map[key]time.Time{},
	}
}

// put has an answer stored soon. What there is no room for stays in memory.
func (s *shelf) put(r record) {
	if s.storage == nil {
		return
	}
	s.mu.Lock()
	_, known := s.known[r.key]
	_, waits := s.pending[r.key]
	room := waits || len(s.pending) < maxPending && (known || len(s.known)+len(s.pending) < s.max)
	if room {
		s.pending[r.key] = r
	}
	s.mu.Unlock()
	if !room {
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
func (s *shelf) next() (r record, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r = range s.pending {
		delete(s.pending, r.key)
		s.known[r.key] = r.answer.until
		return r, true
	}
	return r, false
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

func (s *shelf) write(ctx context.Context) {
	for ctx.Err() == nil {
		r, more := s.next()
		if !more {
			return
		}
		err := s.storage.Store(ctx, r.key.name(), r.marshal())
		if err != nil {
			s.lost(ctx, r)
		}
		if err != nil && !s.failing {
			s.log.Warn("an OCSP answer could not be stored; it is relayed all the same", "reason", ocspsvc.ReasonStoreError, "err", err)
		}
		s.failing = err != nil
	}
}

// lost is about an answer that could not be stored. What storage has instead may
// be older than a revocation, and must not be found by a restart.
func (s *shelf) lost(ctx context.Context, r record) {
	s.counts.storeErrors.Inc()
	if err := s.storage.Delete(ctx, r.key.name()); err == nil || errors.Is(err, fs.ErrNotExist) {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.known, r.key)
	}
}
