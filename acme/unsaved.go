package acme

import (
	"context"
	"errors"
	"time"

	"dwaar/acme/issuing"
)

// unsaved is a certificate that the CA has issued and storage did not take. It is saved when
// storage is back, and is what is served until then if there is nothing else: a key that no
// disk has seen is as good as another, and its loss costs an order, not a site.
type unsaved struct {
	cert    *Issued
	instead *Issued // what storage had when it was ordered; nil for nothing
}

// unsavedPause is shorter than what others wait with their orders when storage is back, so that
// they find it there.
const unsavedPause = 2 * time.Second

// rescue looks into an order's error for a certificate.
func (t *task) rescue(err error, stored *Issued) *unsaved {
	var lost *issuing.UnsavedError
	if !errors.As(err, &lost) || t.check(lost.Certificate) != nil {
		return nil
	}
	if stored != nil && t.isRevoked(stored) {
		stored = nil // it was put away before
	}
	return &unsaved{lost.Certificate, stored}
}

// save puts into storage what it did not take before, unless it has got another one meanwhile:
// then that is taken, if it is of any use.
func (m *Manager) save(ctx context.Context, t *task) result {
	ctx, unlock, err := m.lock(ctx, t)
	if err != nil {
		return result{err: err}
	}
	defer unlock()
	mine := t.unsaved.cert
	if t.check(mine) != nil {
		return result{}
	}
	stored, err := m.issuer.Save(ctx, t.policy, mine, t.unsaved.instead)
	switch {
	case err != nil:
		return result{err: err}
	case t.check(stored) != nil:
		return result{}
	}
	return result{cert: stored, adopted: !stored.Leaf.Equal(mine.Leaf)}
}

// takeUnsaved keeps what was not saved, and serves it if nothing else is to be served. It wants
// m.mu held.
func (m *Manager) takeUnsaved(t *task, u *unsaved) (say func()) {
	e := t.entry
	e.unsaved = u
	serves := e.state(time.Now().Round(0)) != Valid
	var evicted *entry
	if serves {
		m.serve(e, u.cert)
		evicted = m.makeRoom(e)
	}
	return func() {
		m.log.Warn("certificate was issued and cannot be saved yet: it is kept in memory, and lost if dwaar ends",
			"sni", t.name, "serial", serialOf(u.cert), "issuer", u.cert.Leaf.Issuer.CommonName, "served", serves)
		if serves {
			m.changed(t.name)
		}
		if evicted != nil {
			m.changed(evicted.name)
		}
	}
}

// takeNothing goes on without what was unsaved: another node's is there instead, or none.
func (m *Manager) takeNothing(t *task) (say func()) {
	t.entry.unsaved, t.entry.trouble, t.entry.nextTry = nil, nil, time.Time{}
	return func() {
		m.log.Info("certificate that was not saved is of no use any more", "sni", t.name, "serial", serialOf(t.unsaved.cert))
	}
}
