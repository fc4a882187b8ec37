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
// got on demand stays where a binding is still on demand for its name. On an error nothing
// has changed.
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
		if b.Pair != nil && old.leaves[b.Pair.Fingerprint] == nil && !b.Waiting {
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

// bind turns bindings into bounds. An entry stays where its leaf does.
func (s *Store) bind(bindings []Binding, old *index) []bound {
	entries, watching := s.newKeeper(old), make(map[Files]*watched)
	bounds := make([]bound, len(bindings))
	for i, b := range bindings {
		bounds[i] = bound{listener: b.Listener, names: sorted(b.Names...), ocspOff: b.OCSPOff}
		if b.OnDemand {
			continue
		}
		bounds[i].entry, bounds[i].source = entries.entry(b.Pair, b.Load), b.Pair.Source
		switch {
		case b.Waiting:
			bounds[i].waiting, bounds[i].names = true, sorted(b.Pair.Names...)
		case b.Load == nil:
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

func (s *Store) newKeeper(old *index) *keeper {
	k := &keeper{make(map[Fingerprint]*entry, len(old.leaves)), newInterner()}
	for _, leaves := range []map[Fingerprint]*leaf{old.leaves, s.demanded.all()} {
		for fingerprint, l := range leaves {
			k.entries[fingerprint] = l.entry
			if plain := l.entry.state.Load().plain; plain != nil {
				k.share.learn(plain.Certificate)
			}
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
