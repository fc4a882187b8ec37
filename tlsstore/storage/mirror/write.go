package mirror

import (
	"context"
	"fmt"
	"strings"
	"time"

	"dwaar/tlsstore/storage"
)

// answers are the prefixes of what is verified again by everybody who reads it, and so may be
// changed while the shared storage is down.
var answers = [...]string{"ocsp/", "relay/", "crl/"}

func isAnswer(name string) bool {
	for _, prefix := range answers {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// Store implements storage.Storage. While the shared storage is down, answers are stored locally,
// also under locks: those cannot be checked then, and what the shared storage has by the time it
// is back is looked at instead. Under storage.Replacing nothing is: what it is to replace nobody
// can see then.
func (m *Mirror) Store(ctx context.Context, key string, value []byte) error {
	name, err := cleanKey(key)
	if err == nil {
		err = storage.CheckSize(int64(len(value)))
	}
	if err != nil {
		return fmt.Errorf("storing %s: %w", key, err)
	}
	done, err := m.turn(ctx, name)
	if err != nil {
		return fmt.Errorf("storing %s: %w", key, err)
	}
	defer done()
	at := storage.Modified(ctx).Truncate(time.Millisecond) // what every storage can keep
	if _, err = m.reached(); err == nil {
		err = m.storeShared(ctx, name, value, at)
	}
	if err == nil {
		m.keep(ctx, name, value, at)
		return nil
	}
	if _, only := storage.Replaced(ctx); unavailable(err) && isAnswer(name) && !only {
		err = m.owe(ctx, name, value, at)
	}
	if err != nil {
		return fmt.Errorf("storing %s: %w", key, err)
	}
	return nil
}

// keep has the local copy follow what was stored. Not having it is no failure of Store: the
// shared storage keeps the value.
func (m *Mirror) keep(ctx context.Context, name string, value []byte, at time.Time) {
	ctx = context.WithoutCancel(ctx)
	m.wrote(name, m.copy.store(ctx, name, value, at))
	m.settled(ctx, name)
}

// Delete implements storage.Storage. It begins with the local copy: killed in between, it leaves
// something that the next start fetches again, and nothing that should be gone.
func (m *Mirror) Delete(ctx context.Context, key string) error {
	name, err := cleanKey(key)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("deleting %s: %w", key, err)
	}
	done, err := m.turn(ctx, name)
	if err != nil {
		return fmt.Errorf("deleting %s: %w", key, err)
	}
	defer done()
	if _, err = m.reached(); err == nil {
		err = m.deleteBoth(ctx, name)
	}
	if unavailable(err) && isAnswer(name) {
		err = m.oweDeletion(ctx, name)
	}
	if err != nil {
		return fmt.Errorf("deleting %s: %w", key, err)
	}
	return nil
}

func (m *Mirror) deleteBoth(ctx context.Context, name string) error {
	kept := context.WithoutCancel(ctx)
	gone := m.below(kept, name)
	m.wrote(name, m.copy.remove(kept, name))
	err := m.try(ctx, callWait, func(ctx context.Context) error { return m.shared.Delete(ctx, name) })
	if err == nil {
		m.settled(kept, append(gone, name)...)
		return nil
	}
	for _, key := range append(gone, name) {
		m.doubt(key, false) // whether it is gone; if not, Run fetches it again
	}
	m.nudge()
	return err
}

// below are the keys under a prefix in the local copy.
func (m *Mirror) below(ctx context.Context, name string) []string {
	keys, err := m.copy.list(ctx, name, true)
	if err != nil {
		return nil // it is a key, or not there
	}
	return keys
}
