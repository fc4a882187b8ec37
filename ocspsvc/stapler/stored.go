package stapler

import (
	"context"
	"sync"
	"time"
)

// Stored says that storage has something else for leaf, as another node has
// asked. Run verifies it and takes it over if it counts, also if it says that
// the certificate is revoked; it asks nobody. For a leaf that is not in the
// catalog it does nothing. It never blocks, and much of it at once is looked at
// bit by bit.
func (s *Service) Stored(leaf Fingerprint) {
	s.notices.add(leaf)
	nudge(s.noticed)
}

// StoredAll is Stored for every certificate: what other nodes have stored for a
// while is not known one by one.
func (s *Service) StoredAll() {
	s.notices.addAll()
	nudge(s.noticed)
}

// How fast notices are worked off.
const (
	noticesKept = 10_000                 // what does not fit in becomes StoredAll
	noticePace  = 2 * time.Millisecond   // after each look
	noticeRest  = 200 * time.Millisecond // after as many as were named
	noticeFew   = 100                    // of everything, before what was named meanwhile
)

// notices is what is to be looked at. Its lock is held for one map operation.
type notices struct {
	mu     sync.Mutex
	leaves map[Fingerprint]struct{}
	all    bool
}

func (n *notices) add(leaf Fingerprint) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.leaves == nil:
		n.leaves = map[Fingerprint]struct{}{leaf: {}}
	case len(n.leaves) < noticesKept:
		n.leaves[leaf] = struct{}{}
	default:
		n.all = true
	}
}

func (n *notices) addAll() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = true
}

// take empties it. While a look at everything goes on, the next one waits.
func (n *notices) take(busy bool) (leaves map[Fingerprint]struct{}, all bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	leaves, n.leaves = n.leaves, nil
	if !busy {
		all, n.all = n.all, false
	}
	return leaves, all
}

// follow works off the notices: what was named, and after each time a few of
// everything.
func (s *Service) follow(ctx context.Context) {
	var rest []*certificate
	for ctx.Err() == nil {
		leaves, all := s.notices.take(len(rest) > 0)
		if all {
			rest = s.everyone()
		}
		for leaf := range leaves {
			s.look(ctx, leaf)
		}
		few := min(len(rest), noticeFew)
		for _, c := range rest[:few] {
			s.look(ctx, c.fingerprint)
		}
		rest = rest[few:]
		switch {
		case len(leaves) > 0:
			pause(ctx, noticeRest)
		case few == 0:
			sleepUntil(ctx, s.noticed)
		}
	}
}

// look glances at leaf's record. While storage fails it waits, and tries again.
func (s *Service) look(ctx context.Context, leaf Fingerprint) {
	c, due, interval := s.claimToLook(leaf)
	if c == nil {
		return
	}
	_, err := s.glance(ctx, c)
	s.putBack(c, due, interval)
	if err != nil && !ended(ctx) {
		s.notices.add(leaf)
		pause(ctx, deskRests)
		return
	}
	pause(ctx, noticePace)
}

// claimToLook claims leaf, and returns its plan too. One that has a round now
// is looked at after it.
func (s *Service) claimToLook(leaf Fingerprint) (c *certificate, due time.Time, interval time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c = s.certs[leaf]
	switch {
	case c == nil || c.quiet() != "":
		return nil, due, interval
	case c.busy != nil:
		c.noticed = true
		return nil, due, interval
	}
	due, interval = c.due, c.interval
	s.claim(c)
	return c, due, interval
}

// putBack ends the claim of a look. What had no news keeps its plan.
func (s *Service) putBack(c *certificate, due time.Time, interval time.Duration) {
	s.mu.Lock()
	if !c.gone && c.quiet() == "" && c.place == 0 {
		s.queueAt(c, due, interval)
	}
	soon := time.Until(c.due) < longestSleep
	s.mu.Unlock()
	s.release(c)
	if soon {
		nudge(s.wake)
	}
}

func pause(ctx context.Context, d time.Duration) { sleep(ctx, d, nil) }

func sleepUntil(ctx context.Context, wake <-chan struct{}) {
	select {
	case <-ctx.Done():
	case <-wake:
	}
}
