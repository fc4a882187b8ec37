package acme

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dwaar/tlsstore/storage"
)

// errElsewhere says that another node is about the name at the moment, or may be.
var errElsewhere = errors.New("another node is about this name")

// lock takes the lock of t's name; what is done under it is done with the context it returns.
// It does not wait for another node, which may be at its order for minutes: others of the lane
// can have their turn meanwhile. Who acts by hand waits. What it returns gives the lock back,
// also at a shutdown.
func (m *Manager) lock(ctx context.Context, t *task) (under context.Context, unlock func(), err error) {
	ours := true
	if t.byHand {
		under, err = m.issuer.Lock(ctx, t.name)
	} else {
		under, ours, err = m.issuer.TryLock(ctx, t.name)
	}
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("locking %s: %w", t.name, err)
	case !ours:
		return nil, nil, errElsewhere
	}
	if m.storageAnswers() && t.mayOrder() {
		m.unlock(ctx, t.name)
		return nil, nil, errElsewhere
	}
	return under, func() { m.unlock(ctx, t.name) }, nil
}

func (m *Manager) unlock(ctx context.Context, name string) {
	err := m.issuer.Unlock(context.WithoutCancel(ctx), name)
	switch {
	case errors.Is(err, storage.ErrNotLocked):
		m.log.Warn("a name's lock was lost while it was needed: nothing was changed from then on", "sni", name)
	case isOutage(err): // said once, when it is needed again; the lock ends by itself
		m.log.Debug("giving back a lock failed", "sni", name, "err", err)
	case err != nil:
		m.log.Warn("giving back a lock failed", "sni", name, "err", err)
	}
}

// How often a name is tried again that another node is about: Stored says so when that has got
// something, so this is for what went wrong there.
const (
	firstWait = time.Second
	lastWait  = 30 * time.Second
)

// takeElsewhere comes back later. It is nobody's failure; but an on-demand name's clients do
// not wait for ever.
func (m *Manager) takeElsewhere(t *task) (say func()) {
	e, now := t.entry, time.Now()
	if e.waits == 0 {
		e.waitsSince = now
	}
	if e.onDemand && e.cert == nil && now.Sub(e.waitsSince) > t.timeout {
		return m.refuse(e, errElsewhere)
	}
	if e.revoked == t.revoked || e.revoked == nil {
		e.nextTry = now.Add(aLittleMore(min(firstWait<<min(e.waits, 5), lastWait))).Round(0)
	}
	e.waits++
	return func() { m.log.Debug("another node is about the name, looking again later", t.who()...) }
}

// takeLost looks at what the next holder of the lock has done.
func (m *Manager) takeLost(t *task, err error) (say func()) {
	again := m.takeElsewhere(t)
	m.noteFor(t.entry)
	return func() {
		m.log.Warn("a name's lock was lost, leaving the name to who has it", append(t.who(), "job", string(t.job), "err", err)...)
		again()
	}
}
