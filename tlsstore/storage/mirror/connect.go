package mirror

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"dwaar/tlsstore/storage"
)

// pingWait bounds the first call to a storage that may hang.
const pingWait = 2 * time.Second

// Connect tries once to reach the shared storage, within seconds: for a start, which then reads
// what is there now, and goes on in any case. Its error is Status's, too.
func (m *Mirror) Connect(ctx context.Context) error { return m.connect(ctx, false) }

// connect tries to reach the shared storage. Whether it is still the one that the local copy is
// of is seen to before anybody else asks it anything. Only the patient put back what it has lost:
// that takes its time.
func (m *Mirror) connect(ctx context.Context, patient bool) error {
	select {
	case m.connecting <- struct{}{}:
		defer func() { <-m.connecting }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if _, err := m.reached(); err == nil {
		return nil
	}
	m.remember(ctx)
	err := m.greet(ctx, patient)
	if err == nil {
		m.gain()
		return nil
	}
	if !unavailable(err) {
		err = fmt.Errorf("%w: %w", storage.ErrUnavailable, err)
	}
	if ctx.Err() == nil {
		m.lose(err)
	}
	return err
}

// greet finds out how the content of the shared storage and the local copy belong together.
func (m *Mirror) greet(ctx context.Context, patient bool) error {
	if err := m.try(ctx, pingWait, m.shared.Ping); err != nil {
		return err
	}
	before := m.now()
	found, err := m.changes(ctx, before.Cursor)
	if err != nil {
		return err
	}
	same := found.Next.Epoch == before.Cursor.Epoch
	switch {
	case before.Cursor.Epoch == "": // the local copy is new
		m.loaded = true
		m.setWhole(false)
		m.at(found.Next)
		if _, err := m.reached(); !errors.Is(err, errNotYet) {
			m.learnAll() // it was down, and somebody may have read nothing
		}
		return nil
	case same && !found.All:
		return nil // the changes come as they always do
	case !same && !found.New && !slices.Contains(before.Former, found.Next.Epoch):
		return m.replace(ctx, found.Next)
	case !patient:
		return fmt.Errorf("%w: it has lost what it had, and gets it back", storage.ErrUnavailable)
	}
	return m.repair(ctx, found)
}

// replace drops the local copy of a storage that is now somebody else's.
func (m *Mirror) replace(ctx context.Context, next storage.Cursor) error {
	m.log.Warn("the shared storage has the content of others, dropping the local copy of what it had before")
	err := m.copy.removeAll(ctx)
	m.mu.Lock()
	m.owed, m.unsure.keys, m.unsure.all = map[string]mark{}, nil, err != nil
	m.state, m.saved = state{Cursor: next}, state{}
	m.mu.Unlock()
	if err != nil {
		m.failed(err)
	}
	m.learnAll()
	return nil
}

// clocks is by how much the clocks may differ of who stored something and of the shared storage.
const clocks = time.Hour

// repair puts back what the shared storage has lost: everything, or what was stored after the time
// to which it has gone back. If only changes are not known any more, as we were away, that is
// nothing.
func (m *Mirror) repair(ctx context.Context, found storage.Changes) error {
	var err error
	switch {
	case found.New:
		err = m.restore(ctx, time.Time{})
	case !found.Back.IsZero():
		err = m.restore(ctx, found.Back.Add(-clocks))
	}
	if err != nil {
		return err
	}
	m.mu.Lock()
	m.state = m.state.became(found.Next)
	m.mu.Unlock()
	m.learnAll()
	return nil
}

// errLost is why a storage that answers counts as down until Run has looked at it.
var errLost = fmt.Errorf("%w: it may have lost what it had", storage.ErrUnavailable)

// confirm returns an error unless the content of the shared storage is still the one that is
// followed, without a gap.
func (m *Mirror) confirm(ctx context.Context) error {
	since := m.now().Cursor
	found, err := m.shared.Changes(ctx, since)
	if err == nil && (found.All || found.Next.Epoch != since.Epoch) {
		err = errLost
	}
	return err
}

func (m *Mirror) changes(ctx context.Context, since storage.Cursor) (found storage.Changes, err error) {
	err = m.try(ctx, callWait, func(ctx context.Context) (err error) {
		found, err = m.shared.Changes(ctx, since)
		return err
	})
	return found, err
}
