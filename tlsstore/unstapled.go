package tlsstore

import (
	"context"
	"time"
)

const (
	maxAsked = 256              // leaves waiting to be passed on; more will ask again
	askEvery = 10 * time.Second // between two times of one leaf
)

// OnUnstapled sets what Run calls when a client wanted a staple and there was none that could
// be shown, or was refused for that: at most once in 10 s for each leaf. Handshakes do not
// wait for it. Sites with `ocsp off` do not count.
func (s *Store) OnUnstapled(call func(leaf [32]byte)) {
	f := func(leaf Fingerprint) { call(leaf) }
	s.onUnstapled.Store(&f)
}

// ask notes an unstapled handshake, and never blocks.
func (s *Store) ask(e *entry) {
	now, last := time.Now().UnixNano(), e.asked.Load()
	if since := now - last; 0 <= since && since < int64(askEvery) || !e.asked.CompareAndSwap(last, now) {
		return
	}
	select {
	case s.asked <- e.pair.Fingerprint:
	default:
		e.asked.Store(0) // full: the next handshake asks again
	}
}

// passOn calls what OnUnstapled has set.
func (s *Store) passOn(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case leaf := <-s.asked:
			if call := s.onUnstapled.Load(); call != nil {
				(*call)(leaf)
			}
		}
	}
}
