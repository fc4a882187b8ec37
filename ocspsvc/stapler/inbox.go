package stapler

import "sync"

// askedKept bounds what handshakes can leave behind between two rounds. What
// does not fit is asked for again by the next client.
const askedKept = 10_000

// inbox takes what handshakes say. Its lock is held for one map operation.
type inbox struct {
	mu    sync.Mutex
	asked map[Fingerprint]struct{}
}

// Asked says that a client wanted leaf's staple and there was none: it goes
// ahead in the queue, as soon as its responder may be asked at all (S11). It
// never waits for anything and is meant to be called from handshakes.
func (s *Service) Asked(leaf Fingerprint) {
	if s.inbox.add(leaf) {
		nudge(s.wake)
	}
}

// add reports whether leaf is news.
func (i *inbox) add(leaf Fingerprint) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if _, known := i.asked[leaf]; known || len(i.asked) >= askedKept {
		return false
	}
	i.asked[leaf] = struct{}{}
	return true
}

// take empties the inbox.
func (i *inbox) take() map[Fingerprint]struct{} {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.asked) == 0 {
		return nil
	}
	taken := i.asked
	i.asked = map[Fingerprint]struct{}{}
	return taken
}

// hear puts the certificates that clients asked for ahead.
func (s *Service) hear() {
	asked := s.inbox.take()
	if len(asked) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for leaf := range asked {
		if c := s.certs[leaf]; c != nil && !c.asked {
			c.asked = true
			s.reorder(c)
		}
	}
}
