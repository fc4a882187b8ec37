package stapler

import (
	"context"
	"crypto/x509"
	"encoding/hex"
	"log/slog"

	"dwaar/ocspsvc"
)

// namesLogged bounds how many names of a certificate a line carries.
const namesLogged = 3

// subject is whom a log line is about, taken while s.mu is held.
type subject struct {
	der       []byte
	responder string
}

// subject wants s.mu held: the terms of c may change.
func (c *certificate) subject() subject { return subject{c.der, c.askedOf()} }

// subjectOf is c's subject. It takes s.mu.
func (s *Service) subjectOf(c *certificate) subject {
	s.mu.Lock()
	defer s.mu.Unlock()
	return c.subject()
}

// attrs name the subject in a log line. They parse the leaf again: lines are
// rare, and names and issuer would otherwise be most of a certificate's memory.
func (s subject) attrs() []any {
	leaf, err := x509.ParseCertificate(s.der)
	if err != nil {
		return nil
	}
	names := leaf.DNSNames
	if len(names) == 0 {
		names = []string{leaf.Subject.CommonName}
	}
	return []any{
		"names", names[:min(len(names), namesLogged)], "serial", hex.EncodeToString(leaf.SerialNumber.Bytes()),
		"issuer", leaf.Issuer.CommonName, "responder", s.responder,
	}
}

// The functions named note… want s.mu held, and write when it is free.

// noteVerdict comes before h is taken over: it says once that a certificate is
// revoked (V1, V2), and once that it no longer is.
func (s *Service) noteVerdict(c *certificate, h *held) {
	was, v, about := c.held.revoked(), h.verdict, c.subject()
	s.note(func() {
		switch {
		case h.revoked() && !was:
			s.log.Error("certificate is revoked, its staple is gone", append(about.attrs(), "reason", v.RevocationReason.String(),
				"revoked_at", v.RevokedAt.UTC(), "next_update", utc(v.NextUpdate))...)
		case !h.revoked() && was:
			s.log.Info("certificate is no longer revoked", append(about.attrs(), "this_update", v.ThisUpdate.UTC())...)
		default:
			s.log.Debug("staple refreshed", "responder", about.responder, "next_update", utc(v.NextUpdate))
		}
	})
}

func (s *Service) noteQuiet(c *certificate) {
	if !s.log.Enabled(context.Background(), slog.LevelDebug) {
		return // this is most certificates, and who parses
	}
	reason, why, about := c.quiet(), c.why, c.subject()
	s.note(func() { s.log.Debug("not stapled", append(about.attrs(), "reason", reason, "err", why)...) })
}

func (s *Service) noteFailure(c *certificate) {
	reason, err, next, about := c.reason, c.trouble, s.nextTry(c), c.subject()
	s.note(func() {
		s.log.Warn("refreshing the staple failed", append(about.attrs(), "reason", reason, "err", err, "next_try", next.UTC())...)
	})
}

func (s *Service) noteEnd(c *certificate, reason ocspsvc.Reason) {
	end, next, about := c.held.until(), c.held.verdict.NextUpdate, c.subject()
	s.note(func() {
		s.log.Warn("staple has ended, serving without one",
			append(about.attrs(), "reason", reason, "next_update", utc(next), "until", end.UTC())...)
	})
}

func (s *Service) noteBack(c *certificate) {
	next, about := c.held.verdict.NextUpdate, c.subject()
	s.note(func() { s.log.Info("stapled again", append(about.attrs(), "next_update", utc(next))...) })
}

// logIgnored says why a stored staple does not count. That one has expired
// during a stop is nothing to worry about.
func (s *Service) logIgnored(c *certificate, err error) {
	reason, say := ocspsvc.ReasonOf(err), s.log.Warn
	switch reason {
	case "":
		reason = ocspsvc.ReasonStoreError
	case ocspsvc.ReasonExpired, ocspsvc.ReasonTooOld:
		say = s.log.Debug
	}
	say("stored staple is ignored", append(s.subjectOf(c).attrs(), "reason", reason, "err", err)...)
}
