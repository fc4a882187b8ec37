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
		tickets:  new(tls.Config),
		asked:    make(chan Fingerprint, maxAsked),
		metrics:  newMetrics(),
		refusals: &refusalLog{quiet: make(map[refusal]*quiet)},
	}
	s.current.Store(newIndex(cfg, nil))
	return s, nil
}

// Apply exchanges everything that is served for bindings, at once: a handshake sees the old
// set or the new one. A leaf that stays keeps its staple and whether it is revoked. On an
// error nothing has changed.
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
		if old.leaves[b.Pair.Fingerprint] == nil {
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
	s.publish(newIndex(*cfg, bind(bindings, old)))
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
	old := s.current.Swap(x)
	for fingerprint, l := range old.leaves {
		if x.leaves[fingerprint] == nil {
			s.bodies.Remove(l.entry)
		}
	}
}

// bind turns bindings into bounds. An entry stays where its leaf does.
func bind(bindings []Binding, old *index) []bound {
	entries, watching := newKeeper(old), make(map[Files]*watched)
	bounds := make([]bound, len(bindings))
	for i, b := range bindings {
		e := entries.entry(b.Pair, b.Load)
		bounds[i] = bound{listener: b.Listener, names: sorted(b.Names...), entry: e, ocspOff: b.OCSPOff}
		if b.Load == nil {
			bounds[i].watched = watch(watching, b.Pair)
		}
	}
	return bounds
}

// keeper gives pairs the entries their leaves have already, and shares bytes among chains.
type keeper struct {
	entries map[Fingerprint]*entry
	share   *interner
}

func newKeeper(old *index) *keeper {
	k := &keeper{make(map[Fingerprint]*entry, len(old.leaves)), newInterner()}
	for fingerprint, l := range old.leaves {
		k.entries[fingerprint] = l.entry
		if plain := l.entry.state.Load().plain; plain != nil {
			k.share.learn(plain.Certificate)
		}
	}
	return k
}

func (k *keeper) entry(pair *Pair, load loader) *entry {
	e := k.entries[pair.Fingerprint]
	if e == nil {
		e = newEntry(pair)
		k.entries[pair.Fingerprint] = e
	}
	e.setLoad(load) // first: nothing may drop the body of an entry that cannot load it again
	e.setBody(served(pair, k.share))
	return e
}
