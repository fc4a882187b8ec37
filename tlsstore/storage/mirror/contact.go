package mirror

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dwaar/tlsstore/storage"
)

// Bounds of one call to the shared storage.
const (
	callWait = 5 * time.Second
	listWait = time.Minute
	perByte  = time.Second / (4 << 20) // for what is sent
)

// errNotYet is why nothing is asked before Connect or Run.
var errNotYet = fmt.Errorf("%w: it was not reached yet", storage.ErrUnavailable)

// contact says whether the shared storage is used.
type contact struct {
	up    bool
	since time.Time
	err   error         // why it is down
	lost  chan struct{} // closed when it goes down
}

// reached returns a channel that is closed when the shared storage goes down, or why it is down.
func (m *Mirror) reached() (lost <-chan struct{}, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.contact.up {
		return nil, fmt.Errorf("the shared storage is down: %w", m.contact.err)
	}
	return m.contact.lost, nil
}

// ask does something with the shared storage unless that is down.
func (m *Mirror) ask(ctx context.Context, do func(context.Context) error) error {
	if _, err := m.reached(); err != nil {
		return err
	}
	return m.try(ctx, callWait, do)
}

// try does something with the shared storage for so long. What it fails for tells whether the
// storage is down.
func (m *Mirror) try(ctx context.Context, wait time.Duration, do func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	err := do(bounded)
	if err != nil && ctx.Err() == nil && bounded.Err() != nil && !unavailable(err) {
		err = fmt.Errorf("%w: no answer within %v", storage.ErrUnavailable, wait)
	}
	return m.judge(ctx, err)
}

// judge draws the conclusion from an error of the shared storage. A caller who has given up says
// nothing about it: Run has a look.
func (m *Mirror) judge(ctx context.Context, err error) error {
	switch {
	case err == nil:
	case ctx.Err() != nil:
		m.nudge()
	case unavailable(err):
		m.lose(err)
	}
	return err
}

// lose takes the shared storage for down.
func (m *Mirror) lose(err error) {
	m.mu.Lock()
	was := m.contact
	m.contact.err = err
	if was.up {
		m.contact.up, m.contact.since = false, time.Now()
		close(was.lost)
	}
	m.mu.Unlock()
	if was.up {
		m.counts.outages.Inc()
		m.nudge()
	}
	if was.up || errors.Is(was.err, errNotYet) {
		m.log.Warn("the shared storage is down, going on with the local copy", "err", err)
	}
}

// gain takes the shared storage for up.
func (m *Mirror) gain() {
	m.mu.Lock()
	was, owed := m.contact, len(m.owed)
	m.contact = contact{up: true, since: time.Now(), lost: make(chan struct{})}
	m.mu.Unlock()
	if errors.Is(was.err, errNotYet) {
		m.log.Info("using the shared storage", "owed", owed)
	} else {
		m.log.Info("the shared storage is back", "owed", owed, "down", time.Since(was.since).Round(time.Second))
	}
}

func unavailable(err error) bool { return errors.Is(err, storage.ErrUnavailable) }
