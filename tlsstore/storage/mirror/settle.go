package mirror

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"time"

	"dwaar/tlsstore/storage"
)

// clockSkew is by how much what is owed must be later than what somebody else has stored
// meanwhile: clocks differ.
const clockSkew = time.Minute

// pushLock is held by the node that pushes what it owes, so that two do not overtake each other
// between their looking and their storing.
const pushLock = "mirror_push"

// settle gives the shared storage everything that it is owed.
func (m *Mirror) settle(ctx context.Context) error {
	m.mu.Lock()
	names := slices.Sorted(maps.Keys(m.owed))
	m.mu.Unlock()
	if len(names) == 0 {
		return nil
	}
	return m.locked(ctx, pushLock, func(ctx context.Context) error {
		for _, name := range names {
			if err := m.goOn(name, m.settleOne(ctx, name)); err != nil && !errors.Is(err, errLocal) {
				return err
			}
		}
		m.log.Info("the shared storage has what it was owed", "count", len(names))
		return nil
	})
}

// locked does something under a lock of the shared storage.
func (m *Mirror) locked(ctx context.Context, name string, do func(context.Context) error) error {
	if err := m.judge(ctx, m.shared.Lock(ctx, name)); err != nil {
		return err
	}
	err := do(storage.Under(ctx, name))
	return errors.Join(err, m.Unlock(ctx, name))
}

func (m *Mirror) settleOne(ctx context.Context, name string) error {
	done, err := m.turn(ctx, name)
	if err != nil {
		return err
	}
	defer done()
	m.mu.Lock()
	owed, is := m.owed[name]
	m.mu.Unlock()
	if !is {
		return nil // it was stored meanwhile
	}
	theirs, err := m.statShared(ctx, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if owed.Deleted.IsZero() {
		err = m.pushValue(ctx, name, owed, theirs)
	} else {
		err = m.pushDeletion(ctx, name, owed, theirs)
	}
	if err != nil {
		return err
	}
	m.settled(ctx, name)
	return m.refreshNow(ctx, name, true) // where theirs counts
}

// pushValue stores what is owed, if it is what the mark says, and what counts.
func (m *Mirror) pushValue(ctx context.Context, name string, owed mark, theirs storage.KeyInfo) error {
	mine, err := m.copy.stat(ctx, name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && mine.Modified.Equal(owed.Base) {
		return nil
	}
	if err != nil {
		return err
	}
	if !owed.counts(mine.Modified, theirs) {
		m.counts.pushed.WithLabelValues("outdated").Inc()
		return nil
	}
	value, err := m.copy.load(ctx, name)
	if err != nil {
		return err
	}
	return m.pushed(name, m.storeShared(ctx, name, value, mine.Modified))
}

func (m *Mirror) pushDeletion(ctx context.Context, name string, owed mark, theirs storage.KeyInfo) error {
	if theirs.Key == "" || theirs.Prefix || !owed.counts(owed.Deleted, theirs) {
		return nil
	}
	return m.pushed(name, m.try(ctx, callWait, func(ctx context.Context) error { return m.shared.Delete(ctx, name) }))
}

// pushed counts a push. What the storage refuses for the key's own sake is not owed any more.
func (m *Mirror) pushed(name string, err error) error {
	if err == nil {
		m.counts.pushed.WithLabelValues("stored").Inc()
		return nil
	}
	err = m.goOn(name, err)
	if err == nil {
		m.counts.pushed.WithLabelValues("refused").Inc()
	}
	return err
}

// goOn returns an error that is about more than one key, and warns of another one. One of the
// local copy has been noted already.
func (m *Mirror) goOn(name string, err error) error {
	switch {
	case err == nil, errors.Is(err, errLocal), unavailable(err), errors.Is(err, storage.ErrNotLocked), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	m.log.Warn("a key stays different in the shared storage and in the local copy", "path", name, "err", err)
	return nil
}

// counts reports whether a change that is owed, and was made at a time, counts against what the
// shared storage has now: where nobody else has changed that since, always; else if it is later.
// What somebody has deleted stays deleted.
func (o mark) counts(at time.Time, theirs storage.KeyInfo) bool {
	if theirs.Key == "" {
		return o.Base.IsZero()
	}
	return theirs.Modified.Equal(o.Base) || at.Sub(theirs.Modified) > clockSkew
}

func (m *Mirror) statShared(ctx context.Context, name string) (info storage.KeyInfo, err error) {
	err = m.try(ctx, callWait, func(ctx context.Context) (err error) {
		info, err = m.shared.Stat(ctx, name)
		return err
	})
	return info, err
}
