package acme

import (
	"errors"
	"time"

	"dwaar/tlsstore/storage"
)

// take is finish with m.mu held; what it returns is done without.
func (m *Manager) take(t *task, r result) (say func()) {
	e := t.entry
	if t.lane != nil && t.job == reissue && !r.asked {
		t.lane.budget.giveBack()
	}
	if e.gone {
		return func() {}
	}
	switch {
	case errors.Is(r.err, errElsewhere):
		return m.takeElsewhere(t)
	case t.job != look && t.job != inquire && t.job != ask:
		e.waits = 0
	}
	if r.unsaved == nil {
		return m.takeRest(t, r)
	}
	sayKept := m.takeUnsaved(t, r.unsaved)
	sayWhy := m.takeRest(t, r)
	return func() { sayKept(); sayWhy() }
}

// takeRest takes in everything but that somebody else has the lock.
func (m *Manager) takeRest(t *task, r result) (say func()) {
	e := t.entry
	switch {
	case isOutage(r.err):
		return m.takeOutage(t, r.err)
	case errors.Is(r.err, storage.ErrNotLocked):
		return m.takeLost(t, r.err)
	case t.job == inquire:
		return m.takeWindow(t, r)
	case t.job == ask:
		return m.takePermission(t, r.err)
	case t.job == look && r.cert == nil:
		return m.takeLook(t, r.err)
	case e.onDemand && (errors.Is(r.err, ErrNotPermitted) || errors.Is(r.err, errUnused)):
		return m.drop(e, r.err)
	case r.err != nil:
		return m.takeFailure(t, r.err)
	case r.cert == nil && t.job == save:
		return m.takeNothing(t)
	case r.cert == nil:
		return m.takeQuarantine(t)
	}
	return m.takeCertificate(t, r)
}

// takeCertificate makes what was got what is served.
func (m *Manager) takeCertificate(t *task, r result) (say func()) {
	e, old := t.entry, t.entry.cert
	e.failures, e.waits, e.trouble, e.nextTry = 0, 0, nil, time.Time{}
	e.unsaved = nil
	if samePolicy(e.policy, t.policy) {
		e.stale = false
	}
	if old != nil && fingerprint(old) == fingerprint(r.cert) {
		return func() {}
	}
	next := m.serve(e, r.cert)
	evicted := m.makeRoom(e)
	return func() {
		m.noteCertificate(t, r, next)
		m.changed(t.name)
		if evicted != nil {
			m.changed(evicted.name)
		}
	}
}

// serve makes cert what e's name is served with, and plans for it: next is when it will be
// renewed. It wants m.mu held.
func (m *Manager) serve(e *entry, cert *Issued) (next time.Time) {
	switch {
	case e.cert != nil:
		delete(m.leaves, fingerprint(e.cert))
	case e.onDemand:
		m.demands++
	}
	if e.revoked != nil && sameKey(e.revoked.cert, cert) {
		// Renewed with the old key while the news of the revocation came: it must go too.
		e.revoked = &revocation{cert: cert, at: e.revoked.at, reason: e.revoked.reason}
	} else {
		e.revoked = nil
	}
	e.cert, e.renewAt = cert, renewalTime(cert).Round(0)
	e.ari = renewalWindow{ask: time.Now().Add(spread(m.firstInquiry())).Round(0)}
	m.leaves[fingerprint(cert)] = e
	m.arrived(e)
	return e.renewAt
}

// takeFailure plans the next try.
func (m *Manager) takeFailure(t *task, err error) (say func()) {
	e := t.entry
	switch {
	case t.byHand:
		return func() { m.noteFailure(t, err, 0, time.Time{}) } // whoever asked decides what is next
	case e.onDemand && e.cert == nil:
		return m.refuse(e, err)
	case e.revoked != t.revoked:
		return func() { m.noteFailure(t, err, 0, time.Time{}) } // it has to go now, not when this would be due again
	}
	e.failures++
	e.trouble, e.nextTry = err, time.Now().Add(aLittleMore(backoff(e.failures, left(e)))).Round(0)
	next, failures := e.nextTry, e.failures
	return func() { m.noteFailure(t, err, failures, next) }
}

// left is what is left of the certificate that is served.
func left(e *entry) time.Duration {
	if e.cert == nil || e.revoked != nil {
		return 0
	}
	return e.cert.Leaf.NotAfter.Sub(time.Now().Round(0))
}
