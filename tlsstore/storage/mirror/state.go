package mirror

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"dwaar/tlsstore/storage"
)

// state is what a process has to know of the one before.
type state struct {
	Cursor storage.Cursor `json:"cursor"` // up to where the local copy has all changes
	Whole  bool           `json:"whole"`  // the local copy has everything

	// Former are the epochs of what the copy was of before that was lost: a backup may have them.
	Former []string `json:"former,omitempty"`
}

// maxFormer bounds Former: as many losses are remembered.
const maxFormer = 8

// became is the state when the content of an epoch has taken the place of another that was lost.
func (s state) became(next storage.Cursor) state {
	former := slices.DeleteFunc(append(slices.Clone(s.Former), s.Cursor.Epoch), func(epoch string) bool { return epoch == next.Epoch })
	s.Former = former[max(0, len(former)-maxFormer):]
	s.Cursor, s.Whole = next, false
	return s
}

// remember takes over the state of the process before, once.
func (m *Mirror) remember(ctx context.Context) {
	if m.loaded {
		return
	}
	var before state
	err := m.copy.readState(ctx, stateKey, &before)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err = errors.Join(err, m.rememberOwed(ctx)); err != nil {
		m.failed(err)
		return // the next attempt reads again
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state, m.saved, m.loaded = before, before, true
}

// save writes the state, if that is worth it. While a key of the local copy may be wrong, the
// next process has to begin where it was right.
func (m *Mirror) save(ctx context.Context) {
	m.mu.Lock()
	now, before := m.state, m.saved
	right := len(m.unsure.keys) == 0 && !m.unsure.all
	m.mu.Unlock()
	if !right || now.Cursor == before.Cursor && now.Whole == before.Whole {
		return
	}
	if err := m.copy.writeState(ctx, stateKey, now); err != nil {
		m.failed(err)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.saved = now
}

// at moves on to a cursor.
func (m *Mirror) at(next storage.Cursor) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state.Cursor = next
}

func (m *Mirror) setWhole(whole bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state.Whole = whole
	if whole {
		m.unsure.all = false
	}
}

// whole reports whether the local copy has everything.
func (m *Mirror) whole() bool { return m.now().Whole }

func (m *Mirror) now() state {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state
}
