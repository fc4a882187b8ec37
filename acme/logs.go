package acme

import (
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"time"
)

// who names a task in a log line: with the certificate that is there, if there is one.
func (t *task) who() []any {
	if t.held == nil {
		return []any{"sni", t.name}
	}
	return []any{"sni", t.name, "serial", serialOf(t.held), "issuer", t.held.Leaf.Issuer.CommonName}
}

// serialOf is lower-case hexadecimal, whole bytes.
func serialOf(c *Issued) string {
	if c.Leaf.SerialNumber.Sign() == 0 {
		return "00"
	}
	return hex.EncodeToString(c.Leaf.SerialNumber.Bytes())
}

// noteRevoked says once for each revocation what has happened (V1).
func (m *Manager) noteRevoked(t *task) {
	if t.revoked == nil || t.revoked.said {
		return
	}
	t.revoked.said = true
	m.log.Error("certificate is revoked, replacing it",
		append(t.who(), "reason", t.revoked.reason, "revoked_at", t.revoked.at.UTC())...)
}

// noteCertificate says what was got, and until when it stays.
func (m *Manager) noteCertificate(t *task, r result, next time.Time) {
	what := "certificate obtained"
	switch {
	case r.adopted:
		what = "certificate taken over from storage"
	case t.revoked != nil:
		what = "revoked certificate replaced"
	case t.held != nil:
		what = "certificate renewed"
	}
	leaf := r.cert.Leaf
	args := []any{"sni", t.name, "serial", serialOf(r.cert), "issuer", leaf.Issuer.CommonName,
		"not_after", leaf.NotAfter.UTC(), "next_renewal", next.UTC()}
	if t.held != nil {
		args = append(args, "replaces", serialOf(t.held))
	}
	m.log.Info(what, args...)
}

// noteFailure warns; a name whose certificate has expired wants a person.
func (m *Manager) noteFailure(t *task, err error, failures int, next time.Time) {
	level := slog.LevelWarn
	if t.held != nil && time.Now().Round(0).After(t.held.Leaf.NotAfter) {
		level = slog.LevelError
	}
	args := append(t.who(), "job", string(t.job), "err", err)
	if t.held != nil {
		args = append(args, "not_after", t.held.Leaf.NotAfter.UTC())
	}
	if !next.IsZero() {
		args = append(args, "failures", failures, "next_try", next.UTC())
	}
	m.log.Log(context.Background(), level, "getting a certificate failed", args...)
}

func (m *Manager) noteWindow(t *task, w renewalWindow) {
	m.log.Info("the CA wants the certificate renewed sooner",
		append(t.who(), "window_start", w.start.UTC(), "window_end", w.end.UTC(), "next_renewal", w.at.UTC(), "explanation", w.page)...)
}

// noteRefusal is quiet about names that strangers have made up.
func (m *Manager) noteRefusal(name string, err error) {
	say := m.log.Warn
	if errors.Is(err, ErrNotPermitted) {
		say = m.log.Debug
	}
	say("on-demand certificate is not to be had", "sni", name, "err", err)
}
