package mirror

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
)

// refresh makes the local copy of a key what the shared storage has. That it was something else
// is news if the caller says so: not where it was known already. What is owed stays.
func (m *Mirror) refresh(ctx context.Context, name string, news bool) error {
	done, err := m.turn(ctx, name)
	if err != nil {
		return err
	}
	defer done()
	return m.refreshNow(ctx, name, news)
}

// refreshNow is refresh for whoever has the turn.
func (m *Mirror) refreshNow(ctx context.Context, name string, news bool) error {
	if m.owes(name) {
		return nil
	}
	var theirs []byte
	err := m.ask(ctx, func(ctx context.Context) (err error) {
		theirs, err = m.shared.Load(ctx, name)
		return err
	})
	switch {
	case err == nil:
		return m.adopt(ctx, name, theirs, news)
	case errors.Is(err, fs.ErrNotExist):
		return m.drop(ctx, name, news)
	}
	return err
}

// adopt puts what the shared storage has into the local copy.
func (m *Mirror) adopt(ctx context.Context, name string, theirs []byte, news bool) error {
	mine, err := m.copy.load(ctx, name)
	if err == nil && bytes.Equal(mine, theirs) {
		m.trusts(name)
		return nil
	}
	info, err := m.statShared(ctx, name) // later than the value, if it has changed in between: that is news to come
	if errors.Is(err, fs.ErrNotExist) {
		return nil // deleted since: that is news to come
	}
	if err != nil {
		return err
	}
	if news {
		m.learn(name)
	}
	err = m.copy.store(ctx, name, theirs, info.Modified)
	m.wrote(name, err)
	return err
}

// drop deletes from the local copy what the shared storage does not have, once that is seen not
// to have lost everything.
func (m *Mirror) drop(ctx context.Context, name string, news bool) error {
	info, err := m.copy.stat(ctx, name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Prefix {
		m.trusts(name)
		return nil
	}
	if err := m.try(ctx, callWait, m.confirm); err != nil {
		return err
	}
	if news {
		m.learn(name)
	}
	err = m.copy.remove(ctx, name)
	m.wrote(name, err)
	return err
}
