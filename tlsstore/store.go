package tlsstore

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"
)

// Store is the one place certificates are served from. Its tls.Configs stay valid while
// Apply, Attach and changing files exchange what they serve.
type Store struct {
	log *slog.Logger

	mu      sync.Mutex            // serialises those who build an index
	current atomic.Pointer[index] // what handshakes see

	bodies  *lru.Cache[*entry, struct{}] // loadable entries that are in memory, by use
	loading singleflight.Group           // by leaf
	tickets *tls.Config                  // only for its session ticket keys, which rotate

	demanded *demanded
	asks     *asks
	onDemand atomic.Pointer[OnDemand]
	onALPN   atomic.Pointer[challenger]

	changed     chan struct{} // one token: OnChange is due
	onChange    atomic.Pointer[func()]
	onUnstapled atomic.Pointer[func(Fingerprint)]
	asked       chan Fingerprint // from handshakes to Run

	metrics  *metrics
	refusals *refusalLog
}

// New returns a store that serves nothing yet; Apply fills it.
func New(cfg Config, log *slog.Logger) (*Store, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	bodies, err := lru.NewWithEvict(cfg.CacheSize, (*entry).forgetBody)
	if err != nil {
		return nil, fmt.Errorf("cache_size: %w", err)
	}
	s := &Store{
		log:      log,
		bodies:   bodies,
		demanded: newDemanded(cfg.MaxOnDemand),
		asks:     newAsks(),
		changed:  make(chan struct{}, 1),
		tickets:  new(tls.Config),
		asked:    make(chan Fingerprint, maxAsked),
		metrics:  newMetrics(),
		refusals: &refusalLog{quiet: make(map[refusal]*quiet)},
	}
	s.current.Store(newIndex(cfg, nil))
	return s, nil
}

// Apply exchanges everything that is served for bindings, at once: a handshake sees the old
// set or the new one. A leaf that stays keeps its staple and whether it is revoked. What was
// got on demand stays where a binding is still on demand for its name, and a Pair that is bound
// already stands for what its files have held since. On an error nothing has changed.
func (s *Store) Apply(bindings []Binding) error { return s.apply(nil, bindings) }

// Reconfigure is Apply together with another Config.
func (s *Store) Reconfigure(cfg Config, bindings []Binding) error {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return err
	}
	if err := s.apply(&cfg, bindings); err != nil {
		return err
	}
	s.bodies.Resize(cfg.CacheSize)
	return nil
}

// apply keeps the Config if cfg is nil.
func (s *Store) apply(cfg *Config, bindings []Binding) error {
	for i := range bindings {
		if err := bindings[i].check(); err != nil {
			return err
		}
	}
	old := s.rebind(cfg, bindings)
	for _, b := range bindings {
		if b.Pair != nil && old.leaves[b.Pair.Fingerprint] == nil && !b.Waiting && s.leaf(b.Pair.Fingerprint) != nil {
			s.warn(b.Names, b.Pair)
		}
	}
	return nil
}

// rebind publishes bindings that have been checked, and returns the index before.
func (s *Store) rebind(cfg *Config, bindings []Binding) (old *index) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old = s.current.Load()
	if cfg == nil {
		cfg = &old.cfg
	}
	s.publish(newIndex(*cfg, s.bind(bindings, old)))
	return old
}

// warn says that a certificate that is new here is outside its validity.
func (s *Store) warn(names []string, pair *Pair) {
	if warning := pair.Warning(time.Now()); warning != "" {
		s.log.Warn("serving a certificate that clients will not accept", "names", names, "serial", pair.Serial, "reason", warning)
	}
}

// publish lets handshakes see x. It is called with mu held.
func (s *Store) publish(x *index) {
	now := time.Now()
	for _, l := range x.leaves {
		if !l.waiting {
			l.entry.appear(now)
		}
	}
	old := s.current.Swap(x)
	left := s.demanded.review(x)
	for fingerprint, l := range old.leaves {
		if x.leaves[fingerprint] == nil {
			left = append(left, l.entry)
		}
	}
	s.release(x, left)
}

// release lets go of entries that have left x or what was got on demand, unless they are
// still in the other. It is called with mu held.
func (s *Store) release(x *index, entries []*entry) {
	for _, e := range entries {
		if x.leaves[e.pair.Fingerprint] != nil {
			continue
		}
		if l := s.demanded.leaf(e.pair.Fingerprint); l != nil {
			s.makeLoadable(e, l.names[0])
			continue
		}
		s.bodies.Remove(e)
	}
}
