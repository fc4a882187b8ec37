package acme

import (
	"errors"
	"time"

	"dwaar/tlsstore/storage"
)

// While storage is unavailable nothing is ordered, as nothing could be kept, and what is served
// stays. It is no name's failure and no CA's, so names are tried again soon, at once when
// Stored says that storage is back; and it is said once, not for every name.
const (
	outagePause = 30 * time.Second
	hurryWithin = 2 * time.Second
	firstSaves  = 3 * time.Second // when storage is back, before anything is ordered: what was not saved
	outageEnds  = 5 * time.Minute // without news of it: what comes then is another one
)

// isOutage reports whether an error is the storage's.
func isOutage(err error) bool { return errors.Is(err, storage.ErrUnavailable) }

// takeOutage tries again soon. It wants m.mu held.
func (m *Manager) takeOutage(t *task, err error) (say func()) {
	e, now := t.entry, time.Now()
	known := m.storageIsGone(now)
	switch {
	case t.byHand: // whoever asked decides what is next
	case e.onDemand && e.cert == nil:
		e.trouble = err
		m.refused.add(e.name, err, now)
		m.forget(e)
	default:
		pause := outagePause
		if e.unsaved != nil {
			pause = unsavedPause
		}
		if t.job == look {
			e.noted, e.lookAt = true, now.Add(aLittleMore(pause)).Round(0)
		}
		e.trouble, e.nextTry = err, now.Add(aLittleMore(pause)).Round(0)
	}
	return func() {
		m.sayOutage(known, err)
		m.log.Debug("storage is unavailable, trying again later", append(t.who(), "job", string(t.job), "err", err)...)
	}
}

// noteOutage is takeOutage for no task.
func (m *Manager) noteOutage(err error) {
	m.mu.Lock()
	known := m.storageIsGone(time.Now())
	m.mu.Unlock()
	m.sayOutage(known, err)
}

func (m *Manager) sayOutage(known bool, err error) {
	if !known {
		m.log.Warn("storage is unavailable: nothing is ordered until it is back", "err", err)
	}
}

// storageIsGone notes it, and reports whether that was known. It wants m.mu held.
func (m *Manager) storageIsGone(now time.Time) (known bool) {
	known = !m.outage.IsZero() && now.Sub(m.outage) < outageEnds
	m.outage = now
	return known
}

// storageAnswers is told when a lock was to be had, and reports whether that is news: then
// whoever has something to save goes first.
func (m *Manager) storageAnswers() (news bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if m.back.Before(m.outage) {
		m.back = now
	}
	return !m.back.IsZero() && now.Sub(m.back) < firstSaves
}

// storageIsThere is told when something was done with it, or it has said something.
func (m *Manager) storageIsThere() {
	m.mu.Lock()
	back := !m.outage.IsZero()
	if m.back.Before(m.outage) {
		m.back = time.Now()
	}
	m.outage = time.Time{}
	m.mu.Unlock()
	if back {
		m.log.Info("storage is available again")
	}
}

// hasStored reports whether a task that ended so has done something with storage.
func (t *task) hasStored(r result) bool {
	return t.job != ask && t.job != inquire && t.job != look && !isOutage(r.err) && !errors.Is(r.err, errElsewhere)
}

// mayOrder reports whether t may lead to an order that another node has placed and not saved.
func (t *task) mayOrder() bool {
	return !t.byHand && (t.job == obtain || t.job == renew || t.job == reissue)
}
