package mirror

import (
	"context"
	"errors"
	"maps"
)

// maxUnsure bounds how many keys are known to be wrong in the local copy. With more, all are.
const maxUnsure = 1 << 14

// unsure is what the local copy may have wrong, as it could not be written, or a deletion was
// interrupted. It is not given out, and Run sets it right.
type unsure struct {
	keys map[string]bool // true: others have changed it, which OnChange has to hear of
	all  bool
	err  error // why it was not written the last time; nil if it was
}

func (u *unsure) add(key string, news bool) {
	if len(u.keys) >= maxUnsure {
		u.all = true
		return
	}
	if u.keys == nil {
		u.keys = map[string]bool{}
	}
	u.keys[key] = news || u.keys[key]
}

func (u *unsure) has(key string) bool {
	_, is := u.keys[key]
	return is || u.all
}

// doubt remembers that the local copy may have a key wrong.
func (m *Mirror) doubt(key string, news bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.unsure.add(key, news)
}

// doubts reports whether the local copy may have a key wrong.
func (m *Mirror) doubts(key string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.unsure.has(key)
}

// wrote takes in what came of writing a key to the local copy.
func (m *Mirror) wrote(key string, err error) {
	if err != nil {
		m.doubt(key, false)
		m.failed(err)
		return
	}
	m.mu.Lock()
	delete(m.unsure.keys, key)
	before := m.unsure.err
	m.unsure.err = nil
	m.mu.Unlock()
	if before != nil {
		m.log.Info("the local copy of the shared storage is written again")
	}
}

// failed warns, once, that the local copy is not written.
func (m *Mirror) failed(err error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return
	}
	m.counts.localErrors.Inc()
	m.mu.Lock()
	before := m.unsure.err
	m.unsure.err = err
	m.mu.Unlock()
	if before == nil {
		m.log.Warn("the local copy of the shared storage is not written; while the shared one is down, what is missing here is not to be had", "err", err)
	}
}

// trusts ends a doubt.
func (m *Mirror) trusts(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.unsure.keys, key)
}

// doubtful returns the keys that the local copy may have wrong, and whether that is news.
func (m *Mirror) doubtful() map[string]bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	keys := maps.Clone(m.unsure.keys)
	for key := range keys {
		m.unsure.keys[key] = false // it is news once
	}
	return keys
}

// maxFailures is after how many keys it is the local copy that is at fault.
const maxFailures = 16

// resolve sets right what the local copy may have wrong. It is called again for what is left.
func (m *Mirror) resolve(ctx context.Context) error {
	failures := 0
	for key, news := range m.doubtful() {
		err := m.refresh(ctx, key, news)
		if errors.Is(err, errLocal) {
			failures++
		}
		if err != nil && (failures == 0 || failures >= maxFailures) {
			return err
		}
	}
	return nil
}
