package acme

import (
	"context"
	"errors"
	"io/fs"

	"golang.org/x/sync/errgroup"
)

// loadsAtOnce bounds what Load asks of storage.
const loadsAtOnce = 16

// Load takes what storage has for every name that has nothing yet, so that a start or a
// reload serves it from the first handshake on; expired certificates too. Call it before
// listening; Run would come to it as well, but in its own time. Load calls no OnChange, and
// fails only if ctx ends.
//
// What storage cannot tell, as it is unavailable or the value cannot be decrypted, is logged,
// and never ordered over: it may be well for others. What can be read and is no certificate
// with its key is ordered anew: nobody could serve it.
func (m *Manager) Load(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(loadsAtOnce)
	for _, e := range m.bare() {
		group.Go(func() error { return m.load(ctx, e.name, e.policy) })
	}
	return group.Wait()
}

// wanted is a name to load.
type wanted struct {
	name   string
	policy Policy
}

// bare are the names without a certificate.
func (m *Manager) bare() []wanted {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []wanted
	for _, e := range m.entries {
		if e.cert == nil && !e.onDemand {
			all = append(all, wanted{e.name, e.policy})
		}
	}
	return all
}

func (m *Manager) load(ctx context.Context, name string, p Policy) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	cert, err := m.issuer.Load(ctx, p, name)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case isOutage(err):
		m.noteOutage(err)
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		m.log.Warn("stored certificate cannot be read, nothing is ordered in its place", "sni", name, "err", err)
	case fits(cert, name) != nil:
		m.log.Warn("stored certificate is ignored, getting another", "sni", name, "err", fits(cert, name))
	default:
		m.takeStored(name, cert)
	}
	return nil
}

// takeStored serves what was stored, unless something newer has come meanwhile.
func (m *Manager) takeStored(name string, cert *Issued) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.entries[name]
	if e == nil || e.cert != nil || e.busy != nil {
		return
	}
	m.serve(e, cert)
	m.settle(e)
}
