package acme

import (
	"context"
	"errors"
	"fmt"
)

// ErrUnknown says that no certificate is kept for a name.
var ErrUnknown = errors.New("no certificate is kept for this name")

// Renew orders another certificate for a name now, whatever is left of the one it has. It
// returns when that is there, or why it is not; then nothing has changed. There is one order
// at a time for a name: Renew waits for one that is under way, and orders all the same.
func (m *Manager) Renew(ctx context.Context, name string) error {
	return m.act(ctx, name, false)
}

// Reissue is Renew with a new key, whatever the policy says about keys.
func (m *Manager) Reissue(ctx context.Context, name string) error {
	return m.act(ctx, name, true)
}

func (m *Manager) act(ctx context.Context, name string, newKey bool) error {
	select {
	case m.byHand <- struct{}{}:
		defer func() { <-m.byHand }()
	case <-ctx.Done():
		return ctx.Err()
	}
	t, err := m.claimByHand(ctx, normalName(name))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	t.byHand, t.newKey = true, newKey
	if err := m.work(ctx, t); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// claimByHand claims a name as soon as nothing is going on for it.
func (m *Manager) claimByHand(ctx context.Context, name string) (*task, error) {
	for {
		t, busy, err := m.tryClaim(name)
		if t != nil || err != nil {
			return t, err
		}
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (m *Manager) tryClaim(name string) (t *task, busy <-chan struct{}, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.entries[name]
	if e == nil || e.onDemand && e.cert == nil {
		return nil, nil, ErrUnknown
	}
	if e.busy != nil {
		return nil, e.busy, nil
	}
	if e.cert == nil {
		return m.claim(e, obtain), nil, nil
	}
	return m.claim(e, renew), nil, nil
}
