package tlsstore_test

import (
	"context"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"dwaar/tlsstore"
)

// office issues for every name, keeps what it has issued, and counts.
type office struct {
	t     *testing.T
	ca    *ca
	hang  chan struct{}             // if set, Obtain lasts until it is closed or its context ends
	issue func(name string) issued  // if set, instead of a leaf for the name
	err   func(name string) error   // if set, why a name gets none
	stray func() (p *tlsstore.Pair) // if set, what Load finds instead
	loads atomic.Int32

	mu     sync.Mutex // guards the rest
	asked  []string
	stored map[string]issued
}

func newOffice(t *testing.T) *office {
	return &office{t: t, ca: newCA(t), stored: make(map[string]issued)}
}

// opens makes a store whose bindings get what the office issues.
func (o *office) opens(cfg tlsstore.Config, bindings ...tlsstore.Binding) *tlsstore.Store {
	o.t.Helper()
	s := newStore(o.t, cfg, bindings...)
	s.OnDemand(tlsstore.OnDemand{Obtain: o.obtain, Load: o.load})
	return s
}

func (o *office) obtain(ctx context.Context, name string) (*tlsstore.Pair, error) {
	o.mu.Lock()
	o.asked = append(o.asked, name)
	o.mu.Unlock()
	if o.hang != nil {
		select {
		case <-o.hang:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if o.err != nil {
		if err := o.err(name); err != nil {
			return nil, err
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	i, known := o.stored[name]
	switch {
	case known:
	case o.issue != nil:
		i = o.issue(name)
	default:
		i = o.ca.leaf(name)
	}
	o.stored[name] = i
	return i.pair(o.t), nil
}

func (o *office) load(_ context.Context, name string) (*tlsstore.Pair, error) {
	o.loads.Add(1)
	if o.stray != nil {
		if p := o.stray(); p != nil {
			return p, nil
		}
		return nil, fs.ErrNotExist
	}
	return o.of(name).pair(o.t), nil
}

// of is what the office has issued for a name.
func (o *office) of(name string) issued {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.stored[name]
}

// wasAsked fails the test unless Obtain was called for exactly these names.
func (o *office) wasAsked(names ...string) {
	o.t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	slices.Sort(names)
	if got := slices.Sorted(slices.Values(o.asked)); !slices.Equal(got, names) {
		o.t.Errorf("asked for %q, want %q", got, names)
	}
}

// shows fails the test unless a client that asks for a name gets what was issued for it last.
func (o *office) shows(s *tlsstore.Store, name string) (staple []byte) {
	o.t.Helper()
	leaf, staple := shown(o.t, s, name)
	if want := o.of(strings.ToLower(name)).leaf; !leaf.Equal(want) {
		o.t.Errorf("%s is shown %v, want %v", name, leaf.SerialNumber, want)
	}
	return staple
}
