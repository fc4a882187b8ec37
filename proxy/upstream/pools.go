package upstream

import (
	"context"
	"sync"
)

// Pools are the connections to all upstreams of a process. A pool belongs to
// an address and its settings, not to a configuration: what a reload leaves
// as it was keeps its connections.
type Pools struct {
	mu   sync.Mutex // guards open and every pool's leases
	open map[poolKey]*pool

	states *states
}

type pool struct {
	transport carrier
	leases    int
}

// NewPools returns no pools.
func NewPools() *Pools { return &Pools{open: make(map[poolKey]*pool), states: newStates()} }

// Run checks the health of upstreams, of those whose lease has been started,
// until ctx ends. It leaves no goroutine behind.
func (p *Pools) Run(ctx context.Context) { p.states.run(ctx) }

// Lease holds the pools that one configuration uses.
type Lease struct {
	pools *Pools
	held  map[poolKey]struct{} // guarded by pools.mu

	states map[stateKey]struct{}
	atEnd  []func() // what ends with the lease

	released context.Context // ends with Release
	release  context.CancelFunc
}

// Lease returns a lease that holds nothing yet.
func (p *Pools) Lease() *Lease {
	l := &Lease{pools: p, held: make(map[poolKey]struct{}), states: make(map[stateKey]struct{})}
	l.released, l.release = context.WithCancel(context.Background())
	return l
}

// Start is for the lease of a configuration that begins to serve: the health
// of its upstreams is checked from now on, by [Pools.Run].
func (l *Lease) Start() { l.pools.states.start(l.states) }

// transport is the pool for an upstream of c, opened if no lease has it.
func (l *Lease) transport(c Config, a Address, f files) (carrier, error) {
	s, err := c.settings(a, f)
	if err != nil {
		return nil, err
	}
	l.pools.mu.Lock()
	defer l.pools.mu.Unlock()
	shared := l.pools.open[s.key]
	if shared == nil {
		transport, err := s.open()
		if err != nil {
			return nil, err
		}
		shared = &pool{transport: transport}
		l.pools.open[s.key] = shared
	}
	if _, ok := l.held[s.key]; !ok {
		l.held[s.key] = struct{}{}
		shared.leases++
	}
	return shared.transport, nil
}

// Release gives the pools back. Those that no other lease holds close their
// idle connections now, and the busy ones when their request has ended.
func (l *Lease) Release() {
	l.release()
	for key := range l.states {
		l.pools.states.drop(key)
	}
	clear(l.states)
	for _, end := range l.atEnd {
		end()
	}
	l.atEnd = nil
	for _, transport := range l.giveBack() {
		transport.CloseIdleConnections()
	}
}

func (l *Lease) giveBack() (unused []carrier) {
	l.pools.mu.Lock()
	defer l.pools.mu.Unlock()
	for s := range l.held {
		shared := l.pools.open[s]
		if shared.leases--; shared.leases == 0 {
			delete(l.pools.open, s)
			unused = append(unused, shared.transport)
		}
	}
	clear(l.held)
	return unused
}
