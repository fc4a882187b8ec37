package acme

import "time"

// lane is where entries wait that are due and share a bottleneck, so that a CA that hangs
// delays nobody else's names. It is guarded by Manager.mu.
type lane struct {
	limit    int // how many may be under way
	running  int
	ready    queue
	reissues queue // ahead of ready, as far as the budget goes
	budget   budget
}

// How many of the cheap jobs are under way at the same time.
const (
	quarantinesAtOnce = 4
	inquiriesAtOnce   = 2 // per CA
	looksAtOnce       = 8
	savesAtOnce       = 4
	asksAtOnce        = 16
)

// laneOf is the lane for e's job.
func (m *Manager) laneOf(e *entry, j job) *lane {
	switch {
	case j == ask:
		return m.lane("ask", asksAtOnce)
	case j == look:
		return m.lane("look", looksAtOnce)
	case j == save:
		return m.lane("save", savesAtOnce)
	case j == quarantine:
		return m.lane("quarantine", quarantinesAtOnce)
	case j == inquire:
		return m.lane("ari "+e.ca(), inquiriesAtOnce)
	case j == obtain && e.onDemand:
		return m.lane("demand "+e.ca(), m.cfg.OnDemand.Concurrent)
	}
	return m.lane("order "+e.ca(), m.cfg.Concurrent)
}

func (m *Manager) lane(name string, limit int) *lane {
	l := m.lanes[name]
	if l == nil {
		l = &lane{budget: budget{left: float64(m.cfg.ReissueBurst)}}
		m.lanes[name] = l
	}
	l.limit = limit
	return l
}

// next takes the one whose turn it is, or says how long there is none; longest if that
// depends on others.
func (l *lane) next(cfg *Config, now time.Time, longest time.Duration) (*entry, time.Duration) {
	if l.running >= l.limit {
		return nil, longest
	}
	if e := l.reissues.top(); e != nil {
		wait := l.budget.take(cfg.ReissueBurst, cfg.ReissueEvery, now)
		if wait == 0 {
			return e, 0
		}
		longest = min(longest, wait)
	}
	if e := l.ready.top(); e != nil {
		return e, 0
	}
	return nil, longest
}

// empty reports whether nothing would be lost with l.
func (l *lane) empty(cfg *Config, now time.Time) bool {
	l.budget.fill(cfg.ReissueBurst, cfg.ReissueEvery, now)
	return l.running == 0 && len(l.ready) == 0 && len(l.reissues) == 0 && l.budget.left >= float64(cfg.ReissueBurst)
}

// budget is a token bucket for the replacements of one CA.
type budget struct {
	left float64
	at   time.Time // when left was right; monotonic
}

// take takes one token, or says how long it is to the next one.
func (b *budget) take(burst int, every time.Duration, now time.Time) time.Duration {
	b.fill(burst, every, now)
	if b.left >= 1 {
		b.left--
		return 0
	}
	return time.Duration((1-b.left)*float64(every)) + time.Millisecond
}

// fill adds what has come in since the last time.
func (b *budget) fill(burst int, every time.Duration, now time.Time) {
	if !b.at.IsZero() {
		b.left = min(b.left+float64(now.Sub(b.at))/float64(every), float64(burst))
	}
	b.at = now
}

// giveBack returns a token that was not needed.
func (b *budget) giveBack() { b.left++ }
