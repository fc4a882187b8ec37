package upstream

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
)

// located are the servers of a lookup, for one directive. One that is found
// again stays the same, with its connections and what is known about it.
type located struct {
	lookup *lookup
	make   func(Address) (*server, error)
	log    *slog.Logger
	latest atomic.Pointer[location]

	mu sync.Mutex // serializes changes of latest
}

// location is what one answer of the DNS means.
type location struct {
	found   *[]string
	servers []*server
}

// locatedMaker makes servers of addresses that have no scheme.
func (c Config) locatedMaker(f files) func(Address) (*server, error) {
	make := c.maker(f)
	return func(a Address) (*server, error) { return make(c.Transport.apply(a, false)) }
}

// locate makes the servers of c's dynamic upstreams. The lease ends their
// connections.
func (c Config) locate(f files, lease *Lease, log *slog.Logger) (*located, error) {
	text, err := json.Marshal(c.Dynamic)
	if err != nil {
		return nil, err
	}
	kept, err := lease.hold(stateKey{dynamic: string(text)}, func() (*kept, error) {
		l := newLookup(*c.Dynamic, log)
		return &kept{state: newState(nil), lookup: l, job: l}, nil
	})
	if err != nil {
		return nil, err
	}
	l := &located{lookup: kept.lookup, make: c.locatedMaker(f), log: log}
	l.latest.Store(new(location))
	lease.atEnd = append(lease.atEnd, l.end)
	return l, nil
}

// servers are those of the latest answer.
func (l *located) servers(r *http.Request) []*server {
	found := l.lookup.now(r.Context())
	if latest := l.latest.Load(); latest.found == found {
		return latest.servers
	}
	return l.change(r.Context(), found)
}

func (l *located) change(ctx context.Context, found *[]string) []*server {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.latest.Load()
	if before.found == found {
		return before.servers
	}
	known := make(map[string]*server, len(before.servers))
	for _, s := range before.servers {
		known[s.address.Dial] = s
	}
	next := &location{found: found}
	for _, dial := range *found {
		s := known[dial]
		if delete(known, dial); s == nil {
			var err error
			if s, err = l.make(Address{Network: "tcp", Dial: dial}); err != nil {
				l.log.ErrorContext(ctx, "upstream cannot be used", "upstream", dial, "err", err)
				continue
			}
		}
		next.servers = append(next.servers, s)
	}
	l.latest.Store(next)
	for _, gone := range known {
		gone.transport.CloseIdleConnections()
	}
	return next.servers
}

func (l *located) end() {
	for _, s := range l.latest.Load().servers {
		s.transport.CloseIdleConnections()
	}
}
