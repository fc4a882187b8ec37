package crl

import (
	"bytes"
	"crypto/sha256"
	"slices"
)

// Sync pulls the catalog again, after a reload or when a certificate changed
// on disk. A certificate that is new is judged at once by the list of its CRL
// if that is held, and otherwise as soon as it is read; one that is gone is
// forgotten; one that stayed keeps its state, and if it is revoked,
// Revocations is told again. It does no I/O.
func (w *Watcher) Sync() {
	w.pull()
	nudge(w.wake)
}

// pull makes certs what the catalog has.
func (w *Watcher) pull() {
	w.syncing.Lock()
	defer w.syncing.Unlock()
	wanted := map[Fingerprint]Certificate{}
	for c := range w.catalog.Certificates() {
		if other, twice := wanted[c.Fingerprint]; twice {
			c.Disabled = c.Disabled && other.Disabled
		}
		wanted[c.Fingerprint] = c
	}
	fresh := w.strangers(wanted)
	for _, c := range w.merge(wanted, fresh) {
		w.present(c, true)
	}
}

// strangers reads the chains of wanted that are not known as they are, without
// holding up anyone. It drops those that are not what the catalog says.
func (w *Watcher) strangers(wanted map[Fingerprint]Certificate) map[Fingerprint]reading {
	var news []Certificate
	for leaf, c := range wanted {
		switch {
		case w.knows(c):
		case len(c.Chain) == 0 || sha256.Sum256(c.Chain[0]) != leaf:
			w.log.Error("a certificate is not checked: its fingerprint is not that of its chain's first certificate")
			delete(wanted, leaf)
		default:
			news = append(news, c)
		}
	}
	return readAll(news)
}

// knows reports whether a certificate is known, and nothing about it is new.
func (w *Watcher) knows(info Certificate) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.certs[info.Fingerprint]
	return c != nil && c.disabled == info.Disabled && slices.EqualFunc(c.chain, info.Chain, bytes.Equal)
}

// merge forgets, adds and updates, and returns the certificates that there are.
func (w *Watcher) merge(wanted map[Fingerprint]Certificate, fresh map[Fingerprint]reading) (all []*certificate) {
	w.mu.Lock()
	defer w.unlock()
	for leaf, c := range w.certs {
		if _, still := wanted[leaf]; !still {
			c.gone = true
			w.leave(c)
			delete(w.certs, leaf)
		}
	}
	for leaf, info := range wanted {
		c := w.certs[leaf]
		if c == nil {
			c = &certificate{fingerprint: leaf}
			w.certs[leaf] = c
		}
		if r, changed := fresh[leaf]; changed {
			w.update(c, info, r)
		}
		all = append(all, c)
	}
	w.tidy()
	return all
}

// update takes over what the catalog says about a certificate, and wants w.mu
// held. It stays revoked unless checking it was turned off: an issuer that has
// left the chain proves nothing.
func (w *Watcher) update(c *certificate, info Certificate, r reading) {
	w.leave(c)
	c.chain, c.disabled, c.facts = info.Chain, info.Disabled, r.facts
	switch {
	case c.disabled:
		c.revocation = nil
	case r.issuer != nil:
		w.join(c, r)
	}
}
