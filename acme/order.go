package acme

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"dwaar/acme/issuing"
)

// order gets a certificate for t's name under the name's lock: the one that somebody else
// has got meanwhile, or a new one.
func (m *Manager) order(ctx context.Context, t *task) result {
	ctx, unlock, err := m.lock(ctx, t)
	if err != nil {
		return result{err: err}
	}
	defer unlock()
	stored, err := m.stored(ctx, t)
	if err != nil {
		return result{err: err}
	}
	if stored != nil && t.isSettledBy(stored) {
		return result{cert: stored, adopted: true}
	}
	cert, err := m.place(ctx, t, stored)
	if err != nil {
		return result{err: err, asked: true, unsaved: t.rescue(err, stored)}
	}
	if err := t.check(cert); err != nil {
		return result{err: fmt.Errorf("the new certificate is of no use: %w", err), asked: true}
	}
	return result{cert: cert, asked: true}
}

// stored is what storage has for t, or nil.
func (m *Manager) stored(ctx context.Context, t *task) (*Issued, error) {
	cert, err := m.issuer.Load(ctx, t.policy, t.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return cert, err
}

// place orders. What is stored and revoked goes to quarantine first. The CA is told which
// certificate the new one replaces, also when that lies in quarantine: it may have asked for
// that (RFC 9773 §5).
func (m *Manager) place(ctx context.Context, t *task, stored *Issued) (*Issued, error) {
	switch {
	case t.revoked != nil:
		if stored != nil && t.isRevoked(stored) {
			if err := m.putAway(ctx, t, stored); err != nil {
				return nil, err
			}
		}
		return m.issuer.Renew(ctx, t.policy, t.name, issuing.RenewOptions{Replaces: t.revoked.cert})
	case stored == nil:
		return m.issuer.Obtain(ctx, t.policy, t.name)
	case t.byHand:
		return m.issuer.Renew(ctx, t.policy, t.name, issuing.RenewOptions{}) // whatever is stored
	}
	return m.issuer.Renew(ctx, t.policy, t.name, issuing.RenewOptions{Replaces: stored})
}

// isSettledBy reports whether what is stored is what t would order.
func (t *task) isSettledBy(stored *Issued) bool {
	if t.byHand || t.check(stored) != nil {
		return false
	}
	return t.job != renew || stored.Leaf.NotAfter.After(t.held.Leaf.NotAfter)
}

// isRevoked reports whether cert is the revoked one, or has its key.
func (t *task) isRevoked(cert *Issued) bool {
	return t.revoked != nil && (sameSerial(cert, t.revoked.cert) || sameKey(cert, t.revoked.cert))
}

// check says why cert must not be served for t's name, or nil.
func (t *task) check(cert *Issued) error {
	switch {
	case t.isRevoked(cert):
		return errors.New("it has the serial or the key of the revoked one")
	case t.held != nil && (t.job == renew || t.byHand) && sameSerial(cert, t.held):
		return errors.New("it has the serial of the one it should replace")
	case t.newKey && t.held != nil && sameKey(cert, t.held):
		return errors.New("it has the key of the one it should replace")
	}
	if now := time.Now().Round(0); now.After(cert.Leaf.NotAfter) {
		return fmt.Errorf("it expired at %s", cert.Leaf.NotAfter.UTC().Format(time.RFC3339))
	}
	return fits(cert, t.name)
}

// fits says why cert cannot be served for name at any time, or nil.
func fits(cert *Issued, name string) error {
	if _, err := tls.X509KeyPair(cert.CertPEM, cert.KeyPEM); err != nil {
		return err
	}
	if !isFor(cert.Leaf, name) {
		return fmt.Errorf("it is for %v %v, not for %s", cert.Leaf.DNSNames, cert.Leaf.IPAddresses, name)
	}
	return nil
}

// isFor reports whether leaf names name, which may be a wildcard itself.
func isFor(leaf *x509.Certificate, name string) bool {
	return slices.Contains(leaf.DNSNames, name) || leaf.VerifyHostname(name) == nil
}
