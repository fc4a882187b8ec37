package mirror

import "context"

// turn orders what this process changes of one key: in both storages, one after the other, so
// that they end with the same value. What other processes change meanwhile comes with the
// changes, which wait for their turn, too.
type turn struct {
	taken chan struct{}
	users int
}

// turn waits until it is the caller's turn to change a key; done ends it. It is a wait for
// others' calls, which are bounded.
func (m *Mirror) turn(ctx context.Context, key string) (done func(), err error) {
	m.mu.Lock()
	t := m.turns[key]
	if t == nil {
		t = &turn{taken: make(chan struct{}, 1)}
		m.turns[key] = t
	}
	t.users++
	m.mu.Unlock()
	select {
	case t.taken <- struct{}{}:
		return func() { <-t.taken; m.leave(key, t) }, nil
	case <-ctx.Done():
		m.leave(key, t)
		return nil, ctx.Err()
	}
}

func (m *Mirror) leave(key string, t *turn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if t.users--; t.users == 0 {
		delete(m.turns, key)
	}
}

// busy reports whether somebody is changing a key.
func (m *Mirror) busy(key string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.turns[key] != nil
}
