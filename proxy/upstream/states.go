package upstream

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"
)

// stateKey tells the states of upstreams apart. What reaches an upstream by
// another pool of connections, or judges it in another way, knows nothing of
// what others know.
type stateKey struct {
	address  Address
	pool     any // the pool of connections
	expiry   time.Duration
	maxFails int
	asked    Address
	active   string // as JSON, "" for none
	dynamic  string // as JSON: a lookup of upstreams, and none of them
}

// kept is a state that leases hold.
type kept struct {
	state   *state
	leases  int
	lookup  *lookup // nil: an upstream
	job     job     // nil: nothing is to be done
	started bool
	cancel  context.CancelFunc // of the running job
}

// job is what goes on in the background for a state: active checks, a lookup.
type job interface{ run(context.Context) }

// states are those of a process. The zero value is ready.
type states struct {
	mu      sync.Mutex // guards the rest
	kept    map[stateKey]*kept
	waiting []*kept // jobs that Run has not started yet
	wake    chan struct{}
}

func newStates() *states {
	return &states{kept: make(map[stateKey]*kept), wake: make(chan struct{}, 1)}
}

// hold returns the state of key, made by build if there is none.
func (all *states) hold(key stateKey, build func() (*kept, error)) (*kept, error) {
	all.mu.Lock()
	defer all.mu.Unlock()
	k := all.kept[key]
	if k == nil {
		var err error
		if k, err = build(); err != nil {
			return nil, err
		}
		all.kept[key] = k
	}
	k.leases++
	return k, nil
}

// drop gives a state back. The last one ends its job.
func (all *states) drop(key stateKey) {
	all.mu.Lock()
	defer all.mu.Unlock()
	k := all.kept[key]
	if k.leases--; k.leases > 0 {
		return
	}
	delete(all.kept, key)
	if k.cancel != nil {
		k.cancel()
	}
}

// start lets the jobs of these states run.
func (all *states) start(keys map[stateKey]struct{}) {
	all.mu.Lock()
	defer all.mu.Unlock()
	for key := range keys {
		if k := all.kept[key]; k.job != nil && !k.started {
			k.started = true
			all.waiting = append(all.waiting, k)
		}
	}
	select {
	case all.wake <- struct{}{}:
	default:
	}
}

// run runs jobs until ctx ends, and returns when the last has ended.
func (all *states) run(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	for {
		all.begin(ctx, &running)
		select {
		case <-ctx.Done():
			return
		case <-all.wake:
		}
	}
}

func (all *states) begin(ctx context.Context, running *sync.WaitGroup) {
	all.mu.Lock()
	defer all.mu.Unlock()
	for _, k := range all.waiting {
		if k.leases == 0 {
			continue
		}
		ctx, cancel := context.WithCancel(ctx)
		k.cancel = cancel
		running.Go(func() {
			defer cancel()
			k.job.run(ctx)
		})
	}
	all.waiting = nil
}

// state is what is known about an upstream of c that transport leads to.
func (l *Lease) state(c Config, f files, a Address, transport carrier, log *slog.Logger) (*state, error) {
	key := stateKey{address: a, pool: transport}
	if c.PassiveHealth != nil {
		key.expiry, key.maxFails = c.PassiveHealth.FailDuration, c.PassiveHealth.MaxFails
	}
	var asked *server
	if c.ActiveHealth != nil {
		address, err := c.ActiveHealth.address(a)
		if err != nil {
			return nil, err
		}
		to, err := l.transport(c, address, f)
		if err != nil {
			return nil, err
		}
		text, err := json.Marshal(c.ActiveHealth)
		if err != nil {
			return nil, err
		}
		asked, key.asked, key.active = newServer(address, to), address, string(text)
	}
	held, err := l.hold(key, func() (*kept, error) {
		k := &kept{state: newState(c.PassiveHealth)}
		if asked == nil {
			return k, nil
		}
		checker, err := newChecker(*c.ActiveHealth, asked, a, k.state, log)
		k.job = checker
		return k, err
	})
	if err != nil {
		return nil, err
	}
	return held.state, nil
}

// hold holds a state once for the lease, however many ask for it.
func (l *Lease) hold(key stateKey, build func() (*kept, error)) (*kept, error) {
	k, err := l.pools.states.hold(key, build)
	if err != nil {
		return nil, err
	}
	if _, twice := l.states[key]; twice {
		l.pools.states.drop(key)
	}
	l.states[key] = struct{}{}
	return k, nil
}
