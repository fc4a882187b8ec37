package tlsstore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"
)

// OnDemand gets the certificates of the names that bindings with OnDemand stand for.
type OnDemand struct {
	// Obtain gets the certificate of a name for which clients wait, or an error if the name is
	// to have none. Whether it may have one is for Obtain to decide, and to remember: it is
	// called again for the next client. The name is a host name in lower case. For one name it
	// is called once at a time; for how many at once, and how many clients wait, is bounded.
	// The context outlives the clients, by up to 3 minutes in all, and ends with Run, which
	// waits for Obtain to return.
	Obtain func(ctx context.Context, name string) (*Pair, error)

	// Load reads the certificate of a name again that Obtain or Put gave and that is no longer
	// in memory. Clients wait for it, at most 1 s. If it fails, finds another, or is nil,
	// Obtain is asked.
	Load func(ctx context.Context, name string) (*Pair, error)
}

// OnDemand sets where certificates are got on demand. Until then there are none.
func (s *Store) OnDemand(from OnDemand) { s.onDemand.Store(&from) }

// Put makes a pair what clients get for a name that is on demand, as if Obtain had returned it
// for a client: what was stored before, or a renewal of what is there. The staple, if the leaf
// has one from waiting, stays. It fails if no listener gets that name on demand, or the pair is
// not valid for it; then nothing has changed.
func (s *Store) Put(name string, pair *Pair) error {
	normal, ok := normalName(name)
	if !ok {
		return fmt.Errorf("%q is not a host name", name)
	}
	_, err := s.put(normal, pair)
	return err
}

// Forget drops what was got on demand for a name. The next client that asks for it makes
// Obtain be asked. What is being got meanwhile is not affected.
func (s *Store) Forget(name string) {
	normal, _ := normalName(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if left := s.demanded.remove(normal); len(left) > 0 {
		s.release(s.current.Load(), left)
		s.hasChanged()
	}
}

// got is an entry that was got on demand, with its body, which may leave memory at any time.
type got struct {
	entry *entry
	plain *tls.Certificate
}

// demand returns what a name has got, getting it if it has to, or the reason to refuse. A name
// that cannot be one costs nothing.
func (s *Store) demand(ctx context.Context, name string) (*got, refusal, error) {
	before := s.demanded.get(name)
	var loadErr error
	if before != nil && !before.expired(time.Now()) {
		var st *state
		if st, loadErr = s.stateOf(ctx, before); loadErr == nil {
			return &got{before, st.plain}, "", nil
		}
	}
	from := s.onDemand.Load()
	if from == nil || !isHostName(name) {
		return nil, unknownName, nil
	}
	found, err := s.asks.wait(ctx, name, func(ctx context.Context) (*got, error) {
		return s.obtain(ctx, from, name, before)
	})
	switch {
	case err == nil:
		return found, "", nil
	case errors.Is(err, errCrowded):
		return nil, crowded, err
	case before != nil:
		return nil, notObtained, errors.Join(err, loadErr)
	}
	return nil, notObtained, err
}

// obtain asks for the certificate of a name, unless it has come since the handshake saw only
// before.
func (s *Store) obtain(ctx context.Context, from *OnDemand, name string, before *entry) (*got, error) {
	if e := s.demanded.peek(name, time.Now()); e != nil && e != before {
		if st := s.inMemory(e); st != nil {
			return &got{e, st.plain}, nil
		}
	}
	pair, err := from.Obtain(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("getting a certificate for %s: %w", name, err)
	}
	return s.put(name, pair)
}

// put gives a name in normal form its certificate.
func (s *Store) put(name string, pair *Pair) (*got, error) {
	if err := pair.fits(name, time.Now()); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.current.Load()
	covered, all := x.demands(name)
	if !covered {
		return nil, fmt.Errorf("no site gets a certificate on demand for %s", name)
	}
	g := &got{s.demandedEntry(pair), served(pair, newInterner())}
	g.entry.setBody(g.plain)
	s.release(x, s.demanded.put(name, &demand{g.entry, all})) // first: it makes room in memory
	if x.leaves[pair.Fingerprint] == nil {
		s.makeLoadable(g.entry, name)
	}
	s.hasChanged()
	return g, nil
}

// demandedEntry returns the entry that the leaf has already, or a new one.
func (s *Store) demandedEntry(pair *Pair) *entry {
	e := newEntry(pair)
	if l := s.leaf(pair.Fingerprint); l != nil {
		e = l.entry
	}
	e.appear(time.Now())
	return e
}

// makeLoadable lets the body of an entry leave memory when it is not used.
func (s *Store) makeLoadable(e *entry, name string) {
	e.setLoad(func(ctx context.Context) (*Pair, error) {
		if from := s.onDemand.Load(); from != nil && from.Load != nil {
			return from.Load(ctx, name)
		}
		return nil, errors.New("there is nowhere to load it from")
	})
	s.bodies.Add(e, struct{}{})
}

func (e *entry) expired(now time.Time) bool { return now.Round(0).After(e.pair.NotAfter) }
