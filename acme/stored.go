package acme

import (
	"context"
	"errors"
	"io/fs"
	"time"
)

// What another node stores comes as several changes within moments: a look is taken a little
// later than the first one, and is one for all of them.
const (
	lookAfter   = 200 * time.Millisecond
	lookTimeout = 15 * time.Second
)

// Stored says that another node has changed what storage has for a name; "" that it may have
// done so for any. What lies there is looked at soon, and served if it has taken the place of
// what is held; nothing is ordered because of it. A certificate that lies there no longer stays
// in use: whether it is revoked is for Revoked to say. Of on-demand names only those that are
// kept here count. Stored never waits for anything; the news of a name that were not looked at
// yet are one.
func (m *Manager) Stored(name string) {
	m.storageIsThere() // as it speaks
	if m.note(normalName(name)) {
		m.nudge()
	}
}

// note reports whether that is news.
func (m *Manager) note(name string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if name == "" {
		known := m.lookAtAll
		m.lookAtAll = true
		return !known
	}
	e := m.entries[name]
	return e != nil && m.noteFor(e)
}

// The next three want m.mu held.

func (m *Manager) noteFor(e *entry) bool {
	at := time.Now().Add(lookAfter).Round(0)
	if e.noted && !e.lookAt.After(at) || e.onDemand && e.cert == nil {
		return false
	}
	e.noted, e.lookAt = true, at
	switch { // it may be over
	case !isOutage(e.trouble):
	case e.unsaved != nil:
		e.nextTry = at // before others order it
	default:
		e.nextTry = at.Add(lookAfter + spread(hurryWithin))
	}
	m.settle(e)
	return true
}

// noteAll does what Stored("") has asked for: once, however often that was.
func (m *Manager) noteAll() {
	if !m.lookAtAll {
		return
	}
	m.lookAtAll = false
	for _, e := range m.entries {
		m.noteFor(e)
	}
}

// takeLook goes on as before: there was nothing new.
func (m *Manager) takeLook(t *task, err error) (say func()) {
	if err == nil {
		return func() {}
	}
	return func() { m.log.Warn("looking at what another node has stored failed", append(t.who(), "err", err)...) }
}

// look returns what is stored if it is to be served from now on.
func (m *Manager) look(ctx context.Context, t *task) result {
	stored, err := m.issuer.Load(ctx, t.policy, t.name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return result{}
	case err != nil:
		return result{err: err}
	case t.isOvertakenBy(stored):
		return result{cert: stored, adopted: true}
	}
	return result{}
}

// isOvertakenBy reports whether what is stored has taken the place of what is held. Of two that
// begin in the same second, the stored one is what others go by.
func (t *task) isOvertakenBy(stored *Issued) bool {
	switch {
	case t.check(stored) != nil:
		return false
	case t.held == nil || t.revoked != nil || t.stale:
		return true
	}
	return !stored.Leaf.Equal(t.held.Leaf) && !stored.Leaf.NotBefore.Before(t.held.Leaf.NotBefore)
}
