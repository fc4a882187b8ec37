package stapler

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"dwaar/ocspsvc/respstore"
)

// Service keeps the staples of a catalog's certificates fresh. It is safe for
// concurrent use.
//
// No lock meets I/O: those of inbox and notices take what handshakes and other
// nodes say, mu guards every certificate, lane and queue, and presenting, taken
// before mu, orders what the catalog is told.
type Service struct {
	catalog     Catalog
	store       *respstore.Store
	revocations Revocations // nil if nobody wants to know
	leases      Leases      // nil if there are no other nodes
	desk        *desk
	log         *slog.Logger
	issuers     *issuers
	counts      *counts
	settings    atomic.Pointer[settings]
	inbox       inbox
	wake        chan struct{} // buffered: something may be due sooner
	rewatch     chan struct{} // buffered: something may change sooner
	arrival     chan struct{} // buffered: there are newcomers
	notices     notices
	noticed     chan struct{} // buffered: there are notices
	byHand      chan struct{} // bounds concurrent Refresh calls

	syncing    sync.Mutex // one Sync at a time
	presenting sync.Mutex // orders Attach and Revocation

	mu        sync.Mutex // guards the rest
	certs     map[Fingerprint]*certificate
	newcomers map[*certificate]struct{} // of certs; storage may not have been looked at
	lanes     map[string]*lane
	waiting   *queue // not due yet
	changing  *queue // by when what may be served changes
	pacer     pacer
	rested    time.Time // when the next round may start; monotonic
	yielding  time.Time // until when unproven lanes yield; monotonic
	journal   []func()  // what to log once mu is free
}

// note logs f's line when the lock is free: a log may block. It wants s.mu held.
func (s *Service) note(f func()) { s.journal = append(s.journal, f) }

// unlock frees s.mu and writes what was noted under it.
func (s *Service) unlock() {
	notes := s.journal
	s.journal = nil
	s.mu.Unlock()
	for _, write := range notes {
		write()
	}
}

// settings are what Reconfigure swaps.
type settings struct {
	cfg     Config
	fetcher Fetcher
}

// Option is a collaborator that not every user has.
type Option func(*Service)

// WithRevocations tells r of revoked certificates.
func WithRevocations(r Revocations) Option { return func(s *Service) { s.revocations = r } }

// refreshesByHand bounds how many Refresh calls ask at the same time.
const refreshesByHand = 4

// New checks cfg and builds a service that knows no certificate yet: Load or
// Sync pull them, Run keeps them. If fetcher is also an IssuerFetcher, it finds
// issuers that are missing from a chain.
func New(cfg Config, catalog Catalog, fetcher Fetcher, store *respstore.Store, log *slog.Logger, options ...Option) (*Service, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if catalog == nil || fetcher == nil || store == nil || log == nil {
		return nil, errors.New("stapler: catalog, fetcher, store and log are needed")
	}
	known, err := newIssuers()
	if err != nil {
		return nil, err
	}
	s := &Service{
		catalog: catalog, store: store, log: log, issuers: known, counts: newCounts(), desk: &desk{},
		inbox: inbox{asked: map[Fingerprint]struct{}{}},
		wake:  make(chan struct{}, 1), rewatch: make(chan struct{}, 1), arrival: make(chan struct{}, 1), noticed: make(chan struct{}, 1), byHand: make(chan struct{}, refreshesByHand),
		certs: map[Fingerprint]*certificate{}, newcomers: map[*certificate]struct{}{}, lanes: map[string]*lane{}, waiting: byDue(), changing: byChange(),
	}
	s.settings.Store(&settings{cfg: cfg, fetcher: fetcher})
	for _, option := range options {
		option(s)
	}
	return s, nil
}

// Run refreshes staples until ctx ends, and then returns nil with nothing left
// running. A round that is going on then is given up.
func (s *Service) Run(ctx context.Context) error {
	var others sync.WaitGroup
	others.Go(func() { s.watch(ctx) })
	others.Go(func() { s.welcome(ctx) })
	others.Go(func() { s.follow(ctx) })
	others.Go(func() { s.sweep(ctx) })
	defer others.Wait()
	for ctx.Err() == nil {
		s.hear()
		now := time.Now()
		c, wait := s.claimNext(now)
		if c == nil {
			sleep(ctx, wait, s.wake)
			continue
		}
		s.turn(ctx, c, now)
	}
	return nil
}

// turn gives c its round and sets the pace for the next one. A round that
// asked nobody takes no turn.
func (s *Service) turn(ctx context.Context, c *certificate, start time.Time) {
	if s.work(ctx, c) != asked {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rested = start.Add(s.pacer.gap(s.settings.Load().cfg.Pace, s.bareReady(start)))
	if now := time.Now(); c.lane != nil && !c.lane.proven {
		s.yielding = now.Add(now.Sub(start))
	}
}

// longestSleep makes wall-clock steps and suspends count (S3): a sleep of 12 h
// would be 12 h of the machine being awake.
const longestSleep = time.Minute

// sleep waits for d, longestSleep, ctx or a wake-up.
func sleep(ctx context.Context, d time.Duration, wake <-chan struct{}) {
	timer := time.NewTimer(min(max(d, 0), longestSleep))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-wake:
	}
}

// nudge wakes a sleeper without waiting for it.
func nudge(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}
