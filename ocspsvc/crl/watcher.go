package crl

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"dwaar/netguard"
)

// Watcher keeps the CRLs of a catalog's certificates, and notices which are
// revoked. It is safe for concurrent use.
//
// Two locks never meet I/O: mu guards every certificate, group, feed and
// server, and presenting, taken before mu, orders what Revocations is told.
type Watcher struct {
	catalog     Catalog
	revocations Revocations // nil if nobody wants to know
	leases      Leases      // nil if there are no other nodes
	log         *slog.Logger
	store       *store
	counts      *counts
	roots       *x509.CertPool // nil: the system's
	settings    atomic.Pointer[settings]
	wake        chan struct{} // buffered: something may be due sooner

	syncing    sync.Mutex // one Sync at a time
	presenting sync.Mutex

	mu      sync.Mutex // guards the rest
	certs   map[Fingerprint]*certificate
	groups  map[groupKey]*group
	feeds   map[feedKey]*feed
	servers map[string]*server
	journal []func() // what to log once mu is free
}

// settings are what Reconfigure swaps.
type settings struct {
	cfg   Config
	guard *netguard.Guard
}

// Option is a collaborator that not every user has.
type Option func(*Watcher)

// WithRoots verifies the certificates of https servers against roots instead
// of the system's.
func WithRoots(roots *x509.CertPool) Option { return func(w *Watcher) { w.roots = roots } }

// New checks cfg and builds a watcher that knows no certificate yet: Load or
// Sync pull them, Run watches them. It fetches through guard. Without storage,
// a restart knows nothing; revocations may be nil.
func New(cfg Config, catalog Catalog, guard *netguard.Guard, storage Storage, revocations Revocations, log *slog.Logger, options ...Option) (*Watcher, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if catalog == nil || guard == nil || log == nil {
		return nil, errors.New("crl: catalog, guard and log are needed")
	}
	w := &Watcher{
		catalog: catalog, revocations: revocations, log: log, store: &store{storage: storage}, counts: newCounts(),
		wake:  make(chan struct{}, 1),
		certs: map[Fingerprint]*certificate{}, groups: map[groupKey]*group{}, feeds: map[feedKey]*feed{}, servers: map[string]*server{},
	}
	w.settings.Store(&settings{cfg: cfg, guard: guard})
	for _, option := range options {
		option(w)
	}
	return w, nil
}

// Reconfigure goes on with another config and guard, as after a reload. It
// keeps every list; what has been failing is tried again at once: that may be
// what was changed. A config that New would refuse changes nothing.
func (w *Watcher) Reconfigure(cfg Config, guard *netguard.Guard) error {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return err
	}
	if guard == nil {
		return errors.New("crl: a guard is needed")
	}
	w.settings.Store(&settings{cfg: cfg, guard: guard})
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now().Round(0)
	for _, s := range w.servers {
		s.succeed()
	}
	for _, f := range w.feeds {
		if f.trouble != nil || f.due.Sub(now) > cfg.RefreshEvery {
			f.due = now
		}
	}
	nudge(w.wake)
	return nil
}

// Run reads CRLs, one at a time, until ctx ends, and then returns nil with
// nothing left running. A reading that is going on then is given up.
func (w *Watcher) Run(ctx context.Context) error {
	var others sync.WaitGroup
	others.Go(func() { w.sweep(ctx) })
	defer others.Wait()
	for ctx.Err() == nil {
		start := time.Now()
		f, wait := w.next(start.Round(0))
		if f == nil {
			sleep(ctx, wait, w.wake)
			continue
		}
		if asked := w.work(ctx, f); asked {
			rest(ctx, w.gap()-time.Since(start))
		}
	}
	return nil
}
