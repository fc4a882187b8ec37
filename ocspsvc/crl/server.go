package crl

import (
	"time"

	"dwaar/ocspsvc"
)

// server keeps the feeds of a dead host from taking the turns of others. It is
// guarded by Watcher.mu.
type server struct {
	host  string
	since time.Time // of the first failure in a row
	until time.Time // zero while it works
}

func (s *server) down(now time.Time) bool { return now.Before(s.until) }

// fail leaves the host alone for a while if the failure is one of the host, not
// of what it has at one URL.
func (s *server) fail(now time.Time, reason ocspsvc.Reason) {
	switch reason {
	case ocspsvc.ReasonTimeout, ocspsvc.ReasonUnreachable, ocspsvc.ReasonBlockedAddress:
	default:
		s.succeed()
		return
	}
	if s.since.IsZero() {
		s.since = now
	}
	s.until = now.Add(later(backoff(now.Sub(s.since))))
}

func (s *server) succeed() { s.since, s.until = time.Time{}, time.Time{} }
