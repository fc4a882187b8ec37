package crl

import (
	"crypto/x509"
	"encoding/hex"
	"time"

	"dwaar/ocspsvc"
)

// note logs f's line when the lock is free: a log may block. It wants w.mu held.
func (w *Watcher) note(f func()) { w.journal = append(w.journal, f) }

// unlock frees w.mu and writes what was noted under it.
func (w *Watcher) unlock() {
	notes := w.journal
	w.journal = nil
	w.mu.Unlock()
	for _, write := range notes {
		write()
	}
}

// namesLogged bounds how many names of a certificate a line carries.
const namesLogged = 3

// who names a leaf in a log line. It parses it again: lines are rare.
func who(der []byte) []any {
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil
	}
	names := leaf.DNSNames
	if len(names) == 0 {
		names = []string{leaf.Subject.CommonName}
	}
	return []any{
		"names", names[:min(len(names), namesLogged)], "serial", hex.EncodeToString(leaf.SerialNumber.Bytes()), "issuer", leaf.Issuer.String(),
	}
}

// The functions below want w.mu held, and write when it is free.

// noteVerdict says once that a certificate is revoked (V1, V2), and once that
// it no longer is.
func (w *Watcher) noteVerdict(c *certificate, v ocspsvc.Verdict) {
	leaf, url := c.chain[0], ""
	if c.revocation != nil {
		url = c.revocation.url
	}
	w.note(func() {
		if v.Status == ocspsvc.Revoked {
			w.log.Error("certificate is revoked, its CRL says", append(who(leaf), "reason", v.RevocationReason.String(),
				"revoked_at", v.RevokedAt.UTC(), "url", url, "next_update", v.NextUpdate.UTC())...)
			return
		}
		w.log.Info("certificate is no longer revoked", append(who(leaf), "this_update", v.ThisUpdate.UTC())...)
	})
}

func (w *Watcher) noteSuccess(f *feed, h *held, result string) {
	w.counts.refreshes.WithLabelValues(result).Inc()
	back := f.trouble != nil || f.lapsed
	w.note(func() {
		say := w.log.Debug
		if back {
			say = w.log.Info
		}
		say("CRL read", "url", f.url, "issuer", h.list.Issuer, "entries", h.list.Len(), "next_update", h.list.NextUpdate)
	})
}

func (w *Watcher) noteFailure(f *feed, reason ocspsvc.Reason) {
	n, err, next := f.affected(), f.trouble, f.nextTry()
	w.note(func() {
		w.log.Warn("reading a CRL failed", "certificates", n, "url", f.url, "issuer", f.issuer.Subject.String(),
			"reason", reason, "err", err, "next_try", next.UTC())
	})
}

func (w *Watcher) noteEnd(f *feed) {
	n, end, next := f.affected(), f.held.list.NextUpdate, f.nextTry()
	w.note(func() {
		w.log.Warn("CRL has ended, new revocations go unnoticed until it is read again", "certificates", n, "url", f.url,
			"issuer", f.issuer.Subject.String(), "reason", ocspsvc.ReasonExpired, "next_update", end.Format(time.RFC3339), "next_try", next.UTC())
	})
}
