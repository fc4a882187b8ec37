package tlsstore

import (
	"crypto/tls"
	"log/slog"
	"sync"
	"time"
)

// refusal is why a handshake gets the alert unrecognized_name instead of a certificate; empty
// if it does not.
type refusal string

const (
	unknownName refusal = "unknown_name" // no site has the name
	revoked     refusal = "revoked"      // and on_revoked is refuse (V2)
	notObtained refusal = "on_demand"    // its certificate is got on demand, and there is none
	crowded     refusal = "busy"         // too many handshakes wait for certificates that are got on demand
	noStaple    refusal = "must_staple"  // and must_staple_wait is not over (S13)
	loadFailed  refusal = "load_failed"  // the certificate is not in memory and could not be read; the alert is internal_error
)

// refusal decides about handshakes for an entry. It is asked before resumption, which shows
// no certificate and must not be a way around it.
func (e *entry) refusal(cfg Config, r rules, now time.Time) refusal {
	st, cfg := e.state.Load(), r.of(cfg)
	switch {
	case st.revoked && cfg.OnRevoked == Refuse:
		return revoked
	case st.revoked, r.ocspOff, !e.pair.MustStaple, st.stapleReady(now), e.waited(cfg):
		return ""
	}
	return noStaple
}

// waited reports whether a must-staple certificate has had its time to get a staple.
func (e *entry) waited(cfg Config) bool {
	since := e.since.Load()
	return since != nil && time.Since(*since) >= cfg.MustStapleWait
}

// level is how bad a refusal is. That a name has no certificate is no news: scanners send any.
func (r refusal) level() slog.Level {
	if r == unknownName || r == notObtained {
		return slog.LevelDebug
	}
	return slog.LevelWarn
}

// refuse counts and logs a handshake that gets no certificate; h is nil if there is none to
// show.
func (s *Store) refuse(reason refusal, hello *tls.ClientHelloInfo, h *handshake, err error) {
	s.metrics.refused[reason].Inc()
	serial := ""
	if h != nil {
		serial = h.entry.pair.Serial
	}
	suppressed, due := s.refusals.due(reason, time.Now())
	if !due {
		return
	}
	about := []any{"reason", string(reason), "sni", hello.ServerName, "serial", serial, "suppressed", suppressed}
	if err != nil {
		about = append(about, "err", err)
	}
	s.log.Log(hello.Context(), reason.level(), "handshake refused", about...)
}

// refusalLog says of each reason once in a while that it happens: anybody can cause refusals
// at any rate. The SNI in a line is one example among them.
type refusalLog struct {
	mu    sync.Mutex // guards quiet
	quiet map[refusal]*quiet
}

// quiet is what has been kept from the log since the last line.
type quiet struct {
	last       time.Time
	suppressed int
}

// refusalLogEvery is the shortest time between two lines of one reason.
const refusalLogEvery = 10 * time.Second

// due reports whether to log, and how many there were since the last line.
func (r *refusalLog) due(reason refusal, now time.Time) (suppressed int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	q := r.quiet[reason]
	if q == nil {
		q = new(quiet)
		r.quiet[reason] = q
	}
	if now.Sub(q.last) < refusalLogEvery {
		q.suppressed++
		return 0, false
	}
	suppressed = q.suppressed
	*q = quiet{last: now}
	return suppressed, true
}
