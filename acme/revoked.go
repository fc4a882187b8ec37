package acme

import (
	"context"
	"fmt"
	"time"

	"dwaar/ocspsvc"
)

// revocation is why a certificate has to go.
type revocation struct {
	cert        *Issued
	at          time.Time
	reason      string
	quarantined bool // its files are where nobody loads them
	said        bool // in the log; owned by the job that is going on
}

// String is what goes with the files into quarantine.
func (r *revocation) String() string {
	return fmt.Sprintf("revoked at %s: %s", r.at.UTC().Format(time.RFC3339), r.reason)
}

// Revoked says that the certificate with that leaf (SHA-256 of its DER) turned out to be
// revoked: its files go to quarantine, at once, and another one with another key takes its
// place, as fast as the CA and its budget allow (V1). Leaves of others are nobody's business
// here. A verdict that is not revoked takes the news back, as far as nothing was done about
// it. Revoked never waits for anything, and may be told the same again.
func (m *Manager) Revoked(leaf [32]byte, verdict ocspsvc.Verdict) {
	if m.hear(leaf, verdict) {
		m.nudge()
	}
}

// hear reports whether that was news.
func (m *Manager) hear(leaf [32]byte, verdict ocspsvc.Verdict) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.leaves[leaf]
	revoked := verdict.Status == ocspsvc.Revoked
	switch {
	case e == nil || revoked == (e.revoked != nil):
		return false
	case revoked:
		e.revoked = &revocation{cert: e.cert, at: verdict.RevokedAt, reason: verdict.RevocationReason.String()}
		e.nextTry, e.failures = time.Time{}, 0
		m.counts.revocations.Inc()
	case e.busy != nil || e.revoked.quarantined:
		return false // too late
	default:
		e.revoked = nil
	}
	m.settle(e)
	return true
}

// quarantine puts the revoked certificate's files away before anything else happens. If
// storage has another one, somebody else has already replaced it.
func (m *Manager) quarantine(ctx context.Context, t *task) result {
	ctx, unlock, err := m.lock(ctx, t)
	if err != nil {
		return result{err: err}
	}
	defer unlock()
	stored, err := m.stored(ctx, t)
	if err != nil {
		return result{err: err}
	}
	if err := m.putAway(ctx, t, t.revoked.cert); err != nil {
		return result{err: err}
	}
	if stored != nil && t.check(stored) == nil {
		return result{cert: stored, adopted: true}
	}
	return result{}
}

func (m *Manager) putAway(ctx context.Context, t *task, cert *Issued) error {
	if err := m.issuer.Quarantine(ctx, cert, t.revoked.String()); err != nil {
		return fmt.Errorf("moving the revoked certificate to quarantine: %w", err)
	}
	return nil
}

// takeQuarantine goes on with the replacement.
func (m *Manager) takeQuarantine(t *task) (say func()) {
	e := t.entry
	e.failures, e.trouble, e.nextTry = 0, nil, time.Time{}
	if e.revoked != nil {
		e.revoked.quarantined = true
		if e.unsaved != nil && t.isRevoked(e.unsaved.cert) {
			e.unsaved = nil
		}
	}
	return func() { m.log.Info("revoked certificate is in quarantine", t.who()...) }
}
