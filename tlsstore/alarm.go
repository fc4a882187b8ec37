package tlsstore

import "time"

// alarm reports whether a must-staple certificate is served without the staple its clients
// insist on (S13). While it is still refused instead there is no alarm yet.
func (l *leaf) alarm(cfg Config, now time.Time) bool {
	e := l.entry
	if !e.pair.MustStaple || e.state.Load().revoked {
		return false
	}
	return l.ocspOff || e.waited(cfg) && !e.state.Load().stapleReady(now)
}

// checkAlarms logs each alarm when it begins and when it ends.
func (s *Store) checkAlarms() {
	x, now := s.current.Load(), time.Now()
	for _, l := range x.demanding {
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
