package tlsstore

import (
	"slices"
	"time"
)

// alarm reports whether a must-staple certificate is served without the staple its clients
// insist on (S13). While it is still refused instead there is no alarm yet.
func (l *leaf) alarm(cfg Config, now time.Time) bool {
	e := l.entry
	if !e.pair.MustStaple || l.waiting || e.state.Load().revoked {
		return false
	}
	return l.ocspOff || e.waited(l.rules.of(cfg)) && !e.state.Load().stapleReady(now)
}

// checkAlarms logs each alarm when it begins and when it ends.
func (s *Store) checkAlarms() {
	x, now := s.current.Load(), time.Now()
	for _, l := range s.demanding(x) {
		alarm := l.alarm(x.cfg, now)
		if l.entry.alarmed.Swap(alarm) == alarm {
			continue
		}
		if alarm {
			s.log.Error("a must-staple certificate is served without a staple; clients will refuse it", "names", l.names, "serial", l.entry.pair.Serial, "issuer", l.entry.pair.Issuer)
		} else {
			s.log.Info("the must-staple certificate is no longer served without a staple", "names", l.names, "serial", l.entry.pair.Serial)
		}
	}
}

// demanding returns the must-staple leaves that are served, each once.
func (s *Store) demanding(x *index) []*leaf {
	served := slices.DeleteFunc(slices.Clone(x.demanding), func(l *leaf) bool { return l.waiting })
	for fingerprint, l := range s.demanded.all() {
		if known := x.leaves[fingerprint]; l.entry.pair.MustStaple && (known == nil || known.waiting) {
			served = append(served, l)
		}
	}
	return served
}
