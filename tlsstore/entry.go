package tlsstore

import (
	"bytes"
	"context"
	"crypto/tls"
	"slices"
	"sync/atomic"
	"time"
)

// Staple is a response to attach: the exact bytes that were received, and the time in which
// they may be shown, From included, Until not.
type Staple struct {
	Response    []byte
	From, Until time.Time
}

// entry is a leaf in the store. It lives as long as some binding has that leaf, across
// reloads and listeners, and with it its staple and whether it is revoked.
type entry struct {
	pair *Pair // without its Certificate, which is in state

	since   atomic.Pointer[time.Time] // when it was first served; nil while it waits
	load    atomic.Pointer[loader]    // nil: the body stays in memory
	state   atomic.Pointer[state]
	alarmed atomic.Bool  // the must-staple alarm has been logged
	asked   atomic.Int64 // when OnUnstapled was last due, ns since 1970
}

// state is what an entry serves. It is immutable: a change swaps in another one.
type state struct {
	plain   *tls.Certificate // nil if it has to be loaded
	stapled *tls.Certificate // plain with the staple; nil without either
	staple  *Staple          // wall times, see Attach
	revoked bool
}

// loader is Binding.Load.
type loader func(context.Context) (*Pair, error)

func newEntry(pair *Pair) *entry {
	facts := *pair
	facts.Certificate, facts.files = tls.Certificate{}, nil
	e := &entry{pair: &facts}
	e.state.Store(new(state))
	return e
}

// appear begins the time in which a must-staple certificate is refused (S13).
func (e *entry) appear(now time.Time) { e.since.CompareAndSwap(nil, &now) }

// served returns a pair's certificate as the store serves it, with bytes shared, or nil if
// the pair does not have it in memory.
func served(pair *Pair, share *interner) *tls.Certificate {
	if !pair.hasBody() {
		return nil
	}
	plain := pair.Certificate
	plain.Certificate = share.chain(plain.Certificate)
	plain.Leaf, plain.OCSPStaple = nil, nil
	return &plain
}

// update swaps in a changed state. It may call change more than once.
func (e *entry) update(change func(*state)) {
	for {
		old := e.state.Load()
		next := *old
		change(&next)
		next.join()
		if e.state.CompareAndSwap(old, &next) {
			return
		}
	}
}

// join makes the stapled certificate of a state that has changed.
func (s *state) join() {
	s.stapled = nil
	if s.plain != nil && s.staple != nil && !s.revoked {
		stapled := *s.plain
		stapled.OCSPStaple = s.staple.Response
		s.stapled = &stapled
	}
}

// setBody gives the entry its chain and key, or another chain for the same leaf, such as one
// that has been completed.
func (e *entry) setBody(plain *tls.Certificate) {
	if now := e.state.Load().plain; plain == nil || now != nil && sameChain(now, plain) {
		return
	}
	e.update(func(s *state) { s.plain = plain })
}

func sameChain(a, b *tls.Certificate) bool {
	return slices.EqualFunc(a.Certificate, b.Certificate, bytes.Equal)
}

// certificate returns what to show now: with the staple only while it is servable (S3). It is
// nil if the body has to be loaded.
func (s *state) certificate(now time.Time, ocspOff bool) *tls.Certificate {
	if s.stapled != nil && !ocspOff && s.staple.servable(now) {
		return s.stapled
	}
	return s.plain
}

// stapleReady reports whether a handshake that may carry a staple would.
func (s *state) stapleReady(now time.Time) bool {
	return s.staple != nil && !s.revoked && s.staple.servable(now)
}

// servable compares wall times: after a suspend or a clock step the wall is right and the
// monotonic clock is not.
func (s *Staple) servable(now time.Time) bool {
	now = now.Round(0)
	return !now.Before(s.From) && now.Before(s.Until)
}
