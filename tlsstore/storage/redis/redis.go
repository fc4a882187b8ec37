package redis

import (
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"dwaar/tlsstore/storage"
)

// Store is a handle on the storage. It implements storage.Shared.
type Store struct {
	cfg    Config
	client *redis.Client
	secret string // must not be in an error
	log    *slog.Logger

	epoch     atomic.Value // string: of the content that we know
	inspected atomic.Bool  // whether we have looked how the server keeps what it has

	mu     sync.Mutex        // guards what follows
	locks  map[string]*lease // by name; those we hold, or held until the lease ended
	closed bool
	calls  sync.WaitGroup // calls and renewals that run
}

var _ storage.Shared = (*Store)(nil)

// Open makes a handle, and no connection: a server that is down or does not let us in is found
// out by each call. Wrong settings and files are an error.
func Open(cfg Config, log *slog.Logger) (*Store, error) { return open(cfg, log, nil) }

// open is Open by another way to the server, if dial is not nil.
func open(cfg Config, log *slog.Logger, dial dialer) (*Store, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	options, err := cfg.options(dial)
	if err != nil {
		return nil, err
	}
	logging.Disable() // go-redis tells standard error what it also returns
	s := &Store{cfg: cfg, client: redis.NewClient(options), secret: options.Password, log: log, locks: make(map[string]*lease)}
	s.epoch.Store("")
	return s, nil
}

// Close ends the handle: its connections, the renewal of its locks, and every call that still
// runs. The locks it holds become free when their leases end.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	for _, l := range s.locks {
		l.end()
	}
	s.mu.Unlock()
	err := s.client.Close()
	s.calls.Wait()
	return err
}

// enter reports whether the handle is open, and then keeps Close waiting until calls.Done.
func (s *Store) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.calls.Add(1)
	}
	return !s.closed
}
