package acme

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Manager keeps a certificate for every name of its Config. It is safe for concurrent use.
// Its one lock is never held across I/O.
type Manager struct {
	issuer   Issuer
	log      *slog.Logger
	asker    *asker
	refused  *refusals
	counts   *counts
	onChange atomic.Pointer[func(name string)]
	wake     chan struct{} // buffered: something may be due sooner
	byHand   chan struct{} // bounds concurrent Renew and Reissue calls

	mu      sync.Mutex // guards the rest
	cfg     Config
	entries map[string]*entry   // by name
	leaves  map[[32]byte]*entry // by the fingerprint of what is served
	pending int                 // on-demand names without a certificate yet
	waiters int                 // callers of Obtain that wait
	demands int                 // on-demand names
	waiting *queue              // not due yet
	lanes   map[string]*lane
	clock   clock

	lookAtAll bool      // at what storage has for every name, see Stored
	outage    time.Time // when storage was last seen to be unavailable; zero if it is back
	back      time.Time // when it was first seen again
}

// Option is a collaborator that not every user has.
type Option func(*Manager)

// WithTransport sends the questions to the ask URL through rt.
func WithTransport(rt http.RoundTripper) Option {
	return func(m *Manager) { m.asker = newAsker(rt) }
}

// actsByHand bounds how many Renew and Reissue calls order at the same time.
const actsByHand = 4

// New checks cfg and builds a manager. It reads nothing: Load does, and Run acts.
func New(cfg Config, issuer Issuer, log *slog.Logger, options ...Option) (*Manager, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if issuer == nil || log == nil {
		return nil, errors.New("acme: an issuer and a log are needed")
	}
	known, err := newRefusals()
	if err != nil {
		return nil, err
	}
	m := &Manager{
		issuer: issuer, log: log, asker: newAsker(nil), refused: known, counts: newCounts(),
		wake: make(chan struct{}, 1), byHand: make(chan struct{}, actsByHand),
		entries: map[string]*entry{}, leaves: map[[32]byte]*entry{}, waiting: &queue{}, lanes: map[string]*lane{},
	}
	for _, option := range options {
		option(m)
	}
	m.apply(cfg)
	return m, nil
}

// OnChange sets what is called when another certificate is there for a name, or, for an
// on-demand name, when it is kept no longer. For one name it is called once at a time, for
// several at the same time; Run waits for it. It may take its time: meanwhile nothing else
// happens for that name, and everything for others.
func (m *Manager) OnChange(call func(name string)) { m.onChange.Store(&call) }

func (m *Manager) changed(name string) {
	if call := m.onChange.Load(); call != nil {
		(*call)(name)
	}
}

// Run gets what is missing, renews what is due and replaces what is revoked, until ctx ends.
// It then returns nil with nothing left running; orders that are under way are given up.
func (m *Manager) Run(ctx context.Context) error {
	var jobs sync.WaitGroup
	defer jobs.Wait()
	for ctx.Err() == nil {
		t, wait := m.claimNext(time.Now())
		if t == nil {
			sleep(ctx, wait, m.wake)
			continue
		}
		jobs.Go(func() { m.work(ctx, t) })
	}
	return nil
}

// longestSleep makes wall-clock steps and suspends count: a sleep of 30 days would be 30
// days of the machine being awake.
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

// nudge lets Run look again.
func (m *Manager) nudge() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}
