package acme

import (
	"context"
	"errors"
	"time"
)

// task is one job for one name, with all that it needs to know.
type task struct {
	entry       *entry
	lane        *lane // nil if by hand
	job         job
	byHand      bool // order, whatever is stored
	newKey      bool
	name        string
	policy      Policy
	held        *Issued // what is served; may be nil
	revoked     *revocation
	stale       bool
	unsaved     *unsaved
	onDemand    bool
	lastUsed    time.Time
	timeout     time.Duration
	onDemandCfg *OnDemand
}

// result is what became of a task.
type result struct {
	cert    *Issued // newly there; nil if the task was about something else
	adopted bool    // somebody else has got it
	asked   bool    // the CA, or it was tried
	unsaved *unsaved
	window  renewalWindow
	err     error
}

// errUnused ends an on-demand name that nobody has asked for in a long time.
var errUnused = errors.New("it has not been used for 30 days")

// work does a task and takes in what came of it.
func (m *Manager) work(ctx context.Context, t *task) error {
	r := m.do(ctx, t)
	if r.err != nil && ctx.Err() != nil && r.unsaved == nil {
		m.end(t)
		return r.err
	}
	m.finish(t, r)
	return r.err
}

// do does the task within its time.
func (m *Manager) do(ctx context.Context, t *task) result {
	if t.job == ask {
		return result{err: m.asker.ask(ctx, t.onDemandCfg.Ask, t.name)}
	}
	if t.job == look {
		ctx, cancel := context.WithTimeout(ctx, lookTimeout)
		defer cancel()
		return m.look(ctx, t)
	}
	m.noteRevoked(t)
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	switch t.job {
	case inquire:
		window, err := m.inquire(ctx, t)
		return result{window: window, err: err}
	case quarantine:
		return m.quarantine(ctx, t)
	case save:
		return m.save(ctx, t)
	}
	if err := m.stillWanted(ctx, t); err != nil {
		return result{err: err}
	}
	return m.order(ctx, t)
}

// stillWanted asks again for an on-demand name that has a certificate: what was permitted
// then need not be now, and what nobody uses is not worth an order.
func (m *Manager) stillWanted(ctx context.Context, t *task) error {
	if !t.onDemand || t.held == nil || t.byHand {
		return nil
	}
	if time.Since(t.lastUsed) > unusedAfter {
		return errUnused
	}
	return m.asker.ask(ctx, t.onDemandCfg.Ask, t.name)
}

// end ends a task. One whose Run or caller has ended is no failure.
func (m *Manager) end(t *task) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.release(t)
}

// finish takes in what came of a task and says so. Meanwhile the next one in the lane has its
// turn, but nothing else begins for this name: OnChange hears of its changes in order.
func (m *Manager) finish(t *task, r result) {
	m.counts.count(t, r)
	if t.hasStored(r) {
		m.storageIsThere()
	}
	m.mu.Lock()
	say := m.take(t, r)
	t.leaveLane()
	m.mu.Unlock()
	m.nudge()
	say()
	m.end(t)
	m.nudge()
}
