package mirror

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"dwaar/tlsstore/storage"
)

// maxOwed bounds what is owed: 100,000 staples, as many answers of a relay, and some.
const maxOwed = 1 << 18

// mark says that the shared storage is owed what the local copy has of a key, or its deletion.
// It is written before that: where the local copy still has what the mark calls the base, the
// process was killed in between, and nothing is owed.
type mark struct {
	Base    time.Time `json:"base,omitzero"`    // when what both storages had was modified; zero: nothing
	Deleted time.Time `json:"deleted,omitzero"` // when it was deleted; zero: it was stored
}

// owe stores an answer locally and remembers that the shared storage does not have it.
func (m *Mirror) owe(ctx context.Context, name string, value []byte, at time.Time) error {
	if err := m.note(ctx, name, mark{}); err != nil {
		return err
	}
	err := m.copy.store(ctx, name, value, at)
	m.wrote(name, err)
	return m.orUnavailable(err)
}

// oweDeletion is owe for a deletion, of a key only.
func (m *Mirror) oweDeletion(ctx context.Context, name string) error {
	if info, err := m.copy.stat(ctx, name); err == nil && info.Prefix {
		return fmt.Errorf("%w: it is a prefix", storage.ErrUnavailable)
	}
	if err := m.note(ctx, name, mark{Deleted: time.Now().Round(0)}); err != nil {
		return err
	}
	err := m.copy.remove(ctx, name)
	m.wrote(name, err)
	return m.orUnavailable(err)
}

// note writes a mark. Of a key that is owed already the base stays what it was.
func (m *Mirror) note(ctx context.Context, name string, now mark) error {
	m.mu.Lock()
	before, owed := m.owed[name]
	full := !owed && len(m.owed) >= maxOwed
	m.mu.Unlock()
	if full {
		return fmt.Errorf("%w, and is owed too much already", storage.ErrUnavailable)
	}
	now.Base = before.Base
	if !owed {
		info, err := m.copy.stat(ctx, name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			m.wrote(name, err)
			return m.orUnavailable(err)
		}
		now.Base = info.Modified
	}
	if err := m.copy.writeState(ctx, owedDir+name, now); err != nil {
		m.failed(err)
		return m.orUnavailable(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.owed[name] = now
	return nil
}

// orUnavailable is the error for what neither storage takes.
func (m *Mirror) orUnavailable(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("%w; %w", storage.ErrUnavailable, err)
}

// owes reports whether the shared storage is owed something about a key.
func (m *Mirror) owes(name string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, owed := m.owed[name]
	return owed
}

// settled ends what is owed of keys.
func (m *Mirror) settled(ctx context.Context, names ...string) {
	for _, name := range names {
		m.mu.Lock()
		_, owed := m.owed[name]
		delete(m.owed, name)
		m.mu.Unlock()
		if !owed {
			continue
		}
		if err := m.copy.storage.Delete(storage.Outside(ctx), owedDir+name); err != nil {
			m.failed(local(err)) // the next process finds that there is nothing to do
		}
	}
}

// rememberOwed reads the marks of the process before.
func (m *Mirror) rememberOwed(ctx context.Context) error {
	names, err := m.copy.listBelow(ctx, owedDir, "", true)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, name := range names[:min(len(names), maxOwed)] {
		var found mark
		if err := m.copy.readState(ctx, owedDir+name, &found); err != nil {
			m.log.Warn("what is owed to the shared storage cannot be read; it keeps what it has", "path", name, "err", err)
			continue
		}
		m.mu.Lock()
		if _, newer := m.owed[name]; !newer {
			m.owed[name] = found
		}
		m.mu.Unlock()
	}
	return nil
}
