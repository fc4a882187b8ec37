package acme

import "time"

// The functions of this file want m.mu held, but for claimNext.

// settle queues e for what it needs next.
func (m *Manager) settle(e *entry) {
	if e.gone || e.busy != nil {
		return
	}
	_, due := e.need()
	e.due = due.Round(0) // wall time: suspends and clock steps count
	m.waiting.put(e)
}

// ripen moves what has become due to its lane.
func (m *Manager) ripen(now time.Time) {
	for e := m.waiting.top(); e != nil && !now.Before(e.due); e = m.waiting.top() {
		j, _ := e.need()
		l := m.laneOf(e, j)
		if j == reissue {
			l.reissues.put(e)
		} else {
			l.ready.put(e)
		}
	}
}

// claimNext claims the job whose turn it is, or says how long there is nothing to do.
func (m *Manager) claimNext(now time.Time) (*task, time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.followClock(now)
	m.noteAll()
	m.ripen(now.Round(0))
	wait := m.waiting.untilTop(now.Round(0), longestSleep)
	for name, l := range m.lanes {
		e, rest := l.next(&m.cfg, now, longestSleep)
		if e != nil {
			return m.claimIn(l, e), 0
		}
		wait = min(wait, rest)
		if l.empty(&m.cfg, now) {
			delete(m.lanes, name)
		}
	}
	return nil, wait
}

func (m *Manager) claimIn(l *lane, e *entry) *task {
	l.running++
	j, _ := e.need()
	t := m.claim(e, j)
	t.lane = l
	return t
}

// claim starts a job for e, which is idle. The task is what it needs of e, so that it need
// not look at what others may change.
func (m *Manager) claim(e *entry, j job) *task {
	e.leave()
	e.busy = make(chan struct{})
	if j == look {
		e.noted = false // what comes from now on is news again
	}
	return &task{
		entry: e, job: j, name: e.name, policy: e.policy, held: e.cert, revoked: e.revoked, stale: e.stale, unsaved: e.unsaved,
		onDemand: e.onDemand, lastUsed: e.lastUsed, timeout: m.timeout(e.policy), onDemandCfg: m.cfg.OnDemand,
	}
}

// timeout bounds an attempt by a policy.
func (m *Manager) timeout(p Policy) time.Duration {
	if p.DNS != nil {
		return m.cfg.Timeout + p.DNS.PropagationTimeout
	}
	return m.cfg.Timeout
}

// release ends a job and plans the next one.
func (m *Manager) release(t *task) {
	e := t.entry
	close(e.busy)
	e.busy = nil
	t.leaveLane()
	m.settle(e)
}

// leaveLane gives the task's place to the next one.
func (t *task) leaveLane() {
	if t.lane != nil {
		t.lane.running--
		t.lane = nil
	}
}
