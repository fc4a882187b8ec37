package upstream

import (
	"sync/atomic"
	"time"
)

// state is what is known about one upstream. All directives that reach it in
// the same way and judge it alike share one, and a reload that changes none of
// that keeps it.
type state struct {
	inFlight atomic.Int64  // requests, those of connections that were taken over included
	requests atomic.Uint64 // attempts, over all time
	failures atomic.Uint64 // attempts that failed, over all time
	sick     atomic.Bool   // active checks found it down
	avoid    deadline      // it refused a connection and is asked last
	fails    window        // what passive checks count
}

func newState(passive *PassiveHealth) *state {
	s := new(state)
	if passive != nil {
		s.fails.expiry, s.fails.times = passive.FailDuration, make([]time.Time, max(passive.MaxFails, 1))
	}
	return s
}

// down reports whether requests should not be sent to the upstream.
func (s *state) down() bool { return s.sick.Load() || s.fails.down.ahead() }
