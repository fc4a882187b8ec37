package acme

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// unusedAfter is how long an on-demand name is renewed that nobody uses. What is kept no
// longer comes back from storage when a client asks for it again, and is renewed then.
const unusedAfter = 30 * 24 * time.Hour

// Why Obtain refuses, besides ErrNotPermitted, ErrNotAsked and what the CA said.
var (
	// ErrBadName says that the name cannot have a certificate; nobody was asked about it.
	ErrBadName = errors.New("not a name that a certificate can be got for on demand")

	// ErrBusy says that too many are waiting already.
	ErrBusy = errors.New("too many names are being got at the moment")

	// ErrPending says that the name is kept without anybody's asking, and is not there yet.
	ErrPending = errors.New("the certificate is not there yet")
)

// Obtain returns the certificate for a name that a client asks for: the one that is kept, or
// the one in storage, or a new one. The ask URL is asked first, at most once at a time for a
// name and not again for a while after it refused; without its permission neither disk nor
// CA hears of the name. An order goes on when ctx ends, for the next client.
func (m *Manager) Obtain(ctx context.Context, name string) (Certificate, error) {
	c, err := m.obtain(ctx, normalName(name))
	m.counts.demand(err)
	if err != nil {
		return Certificate{}, fmt.Errorf("%q: %w", name, err)
	}
	return c, nil
}

func (m *Manager) obtain(ctx context.Context, name string) (Certificate, error) {
	if !mayAskFor(name) {
		return Certificate{}, ErrBadName
	}
	e, wait, err := m.demand(name)
	if err != nil {
		return Certificate{}, err
	}
	if wait != nil {
		m.nudge()
		defer m.waited()
		select {
		case <-wait:
		case <-ctx.Done():
			return Certificate{}, ctx.Err()
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if e.cert == nil {
		return Certificate{}, e.trouble
	}
	return e.certificate(), nil
}

// demand finds or makes the entry of a name. If wait is not nil, the caller is one of those
// who wait for it.
func (m *Manager) demand(name string) (e *entry, wait <-chan struct{}, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e = m.entries[name]
	switch {
	case e != nil && e.cert != nil:
		e.lastUsed = time.Now().Round(0)
		return e, nil, nil
	case e != nil && !e.onDemand:
		return nil, nil, ErrPending
	case e == nil:
		if e, err = m.newDemand(name); err != nil {
			return nil, nil, err
		}
	}
	if m.waiters >= m.cfg.OnDemand.Waiting {
		return nil, nil, ErrBusy
	}
	m.enter(e)
	m.waiters++
	return e, e.settled, nil
}

// newDemand makes an entry for a name that may be asked about now.
func (m *Manager) newDemand(name string) (*entry, error) {
	if m.cfg.OnDemand == nil {
		return nil, ErrNotPermitted
	}
	policy, ok := matchPolicy(m.cfg.OnDemand.Policies, name)
	if !ok {
		return nil, ErrNotPermitted
	}
	now := time.Now()
	if err := m.refused.of(name, now); err != nil {
		return nil, err
	}
	if m.pending >= m.cfg.OnDemand.Waiting {
		return nil, ErrBusy
	}
	e := &entry{name: name, onDemand: true, lastUsed: now.Round(0)}
	e.follow(policy)
	return e, nil
}

// enter puts a new on-demand entry into the table.
func (m *Manager) enter(e *entry) {
	if e.settled != nil {
		return
	}
	e.settled = make(chan struct{})
	m.entries[e.name] = e
	m.pending++
	m.settle(e)
}

func (m *Manager) waited() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiters--
}

// The functions below want m.mu held.

// arrived lets those who wait for e go.
func (m *Manager) arrived(e *entry) {
	if e.settled == nil {
		return
	}
	close(e.settled)
	e.settled = nil
	m.pending--
}

// takePermission goes on with a name that is permitted.
func (m *Manager) takePermission(t *task, err error) (say func()) {
	if err != nil {
		return m.refuse(t.entry, err)
	}
	t.entry.permitted = true
	return func() {}
}

// refuse ends a new on-demand name, and remembers why.
func (m *Manager) refuse(e *entry, err error) (say func()) {
	e.trouble = err
	m.refused.add(e.name, err, time.Now())
	m.forget(e)
	return func() { m.noteRefusal(e.name, err) }
}

// drop ends an on-demand name that had a certificate.
func (m *Manager) drop(e *entry, err error) (say func()) {
	if errors.Is(err, ErrNotPermitted) {
		m.refused.add(e.name, err, time.Now())
	}
	m.forget(e)
	return func() {
		m.log.Info("on-demand certificate is kept no longer", "sni", e.name, "reason", err)
		m.changed(e.name)
	}
}

// makeRoom drops the on-demand name that was used least recently if there are too many with
// newcomer.
func (m *Manager) makeRoom(newcomer *entry) (evicted *entry) {
	if !newcomer.onDemand {
		return nil
	}
	m.refused.forget(newcomer.name)
	if m.demands <= m.cfg.OnDemand.Keep {
		return nil
	}
	for _, e := range m.entries {
		if e.onDemand && e.cert != nil && e != newcomer && e.busy == nil &&
			(evicted == nil || e.lastUsed.Before(evicted.lastUsed)) {
			evicted = e
		}
	}
	if evicted != nil {
		m.forget(evicted)
	}
	return evicted
}

// Used says that an on-demand certificate that Obtain has returned is still in use. Who
// keeps them elsewhere may call it once in a while; it does not wait for anything.
func (m *Manager) Used(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.entries[normalName(name)]; e != nil {
		e.lastUsed = time.Now().Round(0)
	}
}
