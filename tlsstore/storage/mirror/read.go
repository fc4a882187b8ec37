package mirror

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"dwaar/tlsstore/storage"
)

// Load implements storage.Storage.
func (m *Mirror) Load(ctx context.Context, key string) ([]byte, error) {
	name, err := cleanKey(key)
	if err != nil {
		return nil, fmt.Errorf("loading %s: %w", key, err)
	}
	value, why := []byte(nil), error(nil)
	if !m.owes(name) {
		why = m.ask(ctx, func(ctx context.Context) (err error) {
			value, err = m.shared.Load(ctx, name)
			return m.believe(ctx, name, err)
		})
		if !unavailable(why) {
			m.compare(ctx, name, value, why)
			return value, why
		}
	}
	if value, err = m.copy.load(ctx, name); err != nil || m.doubts(name) {
		return nil, fmt.Errorf("loading %s: %w", key, m.tells(name, err, why))
	}
	return value, nil
}

// Exists implements storage.Storage.
func (m *Mirror) Exists(ctx context.Context, key string) (bool, error) {
	_, err := m.Stat(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Stat implements storage.Storage.
func (m *Mirror) Stat(ctx context.Context, key string) (storage.KeyInfo, error) {
	name, err := cleanKey(key)
	if err != nil {
		return storage.KeyInfo{}, fmt.Errorf("describing %s: %w", key, err)
	}
	var info storage.KeyInfo
	var why error
	if !m.owes(name) {
		why = m.ask(ctx, func(ctx context.Context) (err error) {
			info, err = m.shared.Stat(ctx, name)
			return m.believe(ctx, name, err)
		})
		if !unavailable(why) {
			return info, why
		}
	}
	if info, err = m.copy.stat(ctx, name); err != nil || m.doubts(name) {
		return storage.KeyInfo{}, fmt.Errorf("describing %s: %w", key, m.tells(name, err, why))
	}
	return info, nil
}

// List implements storage.Storage.
func (m *Mirror) List(ctx context.Context, prefix string, recursive bool) ([]string, error) {
	name, err := storage.Clean(prefix)
	if err != nil {
		return nil, fmt.Errorf("listing %q: %w", prefix, err)
	}
	var keys []string
	_, why := m.reached()
	if why == nil {
		why = m.try(ctx, listWait, func(ctx context.Context) (err error) {
			keys, err = m.shared.List(ctx, name, recursive)
			return m.believe(ctx, name, err)
		})
		if !unavailable(why) {
			return keys, why
		}
	}
	if keys, err = m.copy.list(ctx, name, recursive); err != nil || !m.whole() {
		return nil, fmt.Errorf("listing %q: %w", prefix, m.tells(name, err, why))
	}
	return keys, nil
}

// believe returns err, which is what the shared storage said of a key. "Not there" is not
// believed where the local copy has it, until the shared storage is seen not to have lost
// everything: a node that believed an empty storage would order all its certificates anew.
func (m *Mirror) believe(ctx context.Context, name string, err error) error {
	if !errors.Is(err, fs.ErrNotExist) || !m.copy.has(ctx, name) {
		return err
	}
	if doubt := m.confirm(ctx); doubt != nil {
		return doubt
	}
	return err
}

// compare has Run look at a key whose local copy is not what was read. Until then the local copy
// does not give it out.
func (m *Mirror) compare(ctx context.Context, name string, value []byte, err error) {
	if err != nil && !errors.Is(err, fs.ErrNotExist) || m.doubts(name) || m.busy(name) {
		return // Run sees to it, or whoever is busy with it
	}
	mine, missing := m.copy.load(ctx, name)
	if missing == nil && err == nil && bytes.Equal(mine, value) || errors.Is(missing, fs.ErrNotExist) && err != nil {
		return
	}
	m.doubt(name, true)
	m.nudge()
}

// tells is the error for what cannot be read from the local copy, while the shared storage is
// not asked because of why. That something is not there can be said only by a whole copy.
func (m *Mirror) tells(name string, err, why error) error {
	sure := !m.doubts(name) && (m.whole() || m.owes(name))
	if errors.Is(err, fs.ErrNotExist) && sure {
		return err
	}
	if why == nil {
		why = storage.ErrUnavailable
	}
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w; the local copy cannot tell", why)
	}
	return fmt.Errorf("%w; %w", why, err)
}

func cleanKey(key string) (string, error) {
	name, err := storage.Clean(key)
	if err == nil && name == "" {
		err = errors.New("the key is empty")
	}
	return name, err
}
