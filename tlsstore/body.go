package tlsstore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"
)

// loadWait is the longest a handshake waits for a certificate that is not in memory.
const loadWait = time.Second

func (e *entry) setLoad(load loader) {
	if load == nil {
		e.load.Store(nil)
	} else {
		e.load.Store(&load)
	}
}

// forgetBody drops what can be loaded again. The cache calls it for the least used.
func (e *entry) forgetBody(struct{}) {
	if e.load.Load() != nil {
		e.update(func(s *state) { s.plain = nil })
	}
}

// stateOf returns an entry's state with its body, loading it if it has to.
func (s *Store) stateOf(ctx context.Context, e *entry) (*state, error) {
	load := e.load.Load()
	if load == nil {
		return e.state.Load(), nil
	}
	if st := s.inMemory(e); st != nil {
		return st, nil
	}
	return s.loadBody(ctx, e, *load)
}

// inMemory returns an entry's state if its body is in memory, and counts as a use of it.
func (s *Store) inMemory(e *entry) *state {
	if e.load.Load() != nil {
		if _, ok := s.bodies.Get(e); !ok {
			return nil
		}
	}
	if st := e.state.Load(); st.plain != nil {
		return st
	}
	return nil
}

// loadBody waits for the one load that is under way for the entry. A load that ignores its
// context delays those who wait for it by loadWait, and nobody else.
func (s *Store) loadBody(ctx context.Context, e *entry, load loader) (*state, error) {
	ctx, cancel := context.WithTimeout(ctx, loadWait)
	defer cancel()
	result := s.loading.DoChan(string(e.pair.Fingerprint[:]), func() (any, error) {
		return s.fill(e, load)
	})
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("loading certificate %s: %w", e.pair.Serial, ctx.Err())
	case r := <-result:
		if r.Err != nil {
			return nil, fmt.Errorf("loading certificate %s: %w", e.pair.Serial, r.Err)
		}
		return r.Val.(*state), nil
	}
}

// fill loads an entry's body. It has a context of its own: the handshake that began it may go.
func (s *Store) fill(e *entry, load loader) (*state, error) {
	if e.state.Load().plain == nil {
		ctx, cancel := context.WithTimeout(context.Background(), loadWait)
		defer cancel()
		plain, err := loadLeaf(ctx, e, load)
		if err != nil {
			return nil, err
		}
		e.setBody(plain)
	}
	defer s.bodies.Add(e, struct{}{}) // after: with a small cache it may be dropped at once
	return e.state.Load(), nil
}

func loadLeaf(ctx context.Context, e *entry, load loader) (*tls.Certificate, error) {
	pair, err := load(ctx)
	if err != nil {
		return nil, err
	}
	plain := served(pair, newInterner())
	switch {
	case pair.Fingerprint != e.pair.Fingerprint:
		return nil, fmt.Errorf("found certificate %s in its place", pair.Serial)
	case plain == nil:
		return nil, errors.New("found neither chain nor key")
	}
	return plain, nil
}

// Chain returns a leaf's chain, leaf first, as DER, loading it if it has to. It does not count
// as a use of the certificate. The caller does not change the bytes.
func (s *Store) Chain(ctx context.Context, fingerprint [32]byte) ([][]byte, error) {
	l := s.leaf(fingerprint)
	if l == nil {
		return nil, fmt.Errorf("certificate %s is not served", Fingerprint(fingerprint))
	}
	if plain := l.entry.state.Load().plain; plain != nil {
		return plain.Certificate, nil
	}
	load := l.entry.load.Load()
	if load == nil {
		return nil, fmt.Errorf("certificate %s is not in memory", l.entry.pair.Serial)
	}
	plain, err := loadLeaf(ctx, l.entry, *load)
	if err != nil {
		return nil, fmt.Errorf("loading certificate %s: %w", l.entry.pair.Serial, err)
	}
	return plain.Certificate, nil
}
