package responder

import (
	"context"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"time"

	"dwaar/ocspsvc"
)

// unissuedValidity bounds how long is said what is said about a certificate that
// is not in the records: it may be new, and has to be known within 15 minutes.
const unissuedValidity = 15 * time.Minute

// finding is what is said about one CertID.
type finding struct {
	id       *ocspsvc.CertID
	record   Record
	unissued bool
}

// fresh signs an answer for one asker: about several certificates, or with a
// nonce. A CertID that comes twice is answered once.
func (s *Signer) fresh(ctx context.Context, a *authority, ids []ocspsvc.CertID, nonce []byte) (*Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	seen := make(map[string]bool, len(ids))
	findings := make([]finding, 0, len(ids))
	for i := range ids {
		id := &ids[i]
		if seen[string(id.Raw)] {
			continue
		}
		seen[string(id.Raw)] = true
		record, err := s.record(ctx, a.subject(id, oddForm))
		unissued := errors.Is(err, ErrNoRecord) && s.cfg.Unissued != UnissuedUnauthorized
		if err != nil && !unissued {
			return s.without(ctx, subject{authority: a, id: id}, err)
		}
		findings = append(findings, finding{id: id, record: record, unissued: unissued})
	}
	return s.sign(ctx, a, findings, nonce)
}

// sign waits for its turn and signs.
func (s *Signer) sign(ctx context.Context, a *authority, findings []finding, nonce []byte) (signed *Answer, err error) {
	for _, f := range findings {
		if f.unissued && !s.unissued.Allow() {
			s.counts.shed.WithLabelValues("unissued_rate").Inc()
			return nil, refuse(ocspsvc.TryLater, "too many requests for certificates that were not issued")
		}
		if f.unissued {
			break // one signature, one token
		}
	}
	err = s.turn(ctx, func() error {
		signed, err = s.signNow(a, findings, nonce)
		return err
	})
	return signed, err
}

// turn is queue.do with what is refused counted.
func (s *Signer) turn(ctx context.Context, work func() error) error {
	err := s.queue.do(ctx, work)
	if errors.Is(err, errQueueFull) {
		s.counts.shed.WithLabelValues("queue").Inc()
	}
	return err
}

// signNow signs, on the processor that the caller was given.
func (s *Signer) signNow(a *authority, findings []finding, nonce []byte) (*Answer, error) {
	now := time.Now().Truncate(time.Second)
	if err := a.inTime(now); err != nil {
		return nil, &refusal{ocspsvc.TryLater, err}
	}
	t := ocspsvc.Template{ProducedAt: now, Nonce: nonce, Singles: make([]ocspsvc.Single, 0, len(findings))}
	nextUpdate := s.nextUpdate(a, findings, now)
	for _, f := range findings {
		if s.archived(f.record, now) {
			return nil, refuse(ocspsvc.Unauthorized, "serial %x expired %s, longer ago than is answered for", f.id.Serial, f.record.Expires)
		}
		single := s.single(f, now)
		single.NextUpdate = nextUpdate
		t.Singles = append(t.Singles, single)
		if f.unissued && s.cfg.Unissued == UnissuedRevoked {
			t.Extensions = []pkix.Extension{ocspsvc.ExtendedRevoke()}
		}
	}
	der, err := a.sign(t)
	if ocspsvc.ReasonOf(err) == ocspsvc.ReasonTooLarge {
		return nil, &refusal{ocspsvc.MalformedRequest, err}
	}
	if err != nil {
		return nil, fmt.Errorf("signing for %s: %w", a.Issuer.Subject, err)
	}
	s.counts.signatures.Inc()
	return prepare(der, wordOf(t.Singles), now, nextUpdate), nil
}

// nextUpdate is the same for all singles. Nothing outlives its signer.
func (s *Signer) nextUpdate(a *authority, findings []finding, now time.Time) time.Time {
	validity := s.cfg.Validity
	for _, f := range findings {
		if f.unissued {
			validity = min(validity, unissuedValidity)
		}
	}
	next := now.Add(validity).Round(0)
	if a.delegated && a.ends().Before(next) {
		return a.ends()
	}
	return next
}

// archived reports whether a certificate expired too long ago.
func (s *Signer) archived(r Record, now time.Time) bool {
	return s.cfg.ArchiveCutoff > 0 && !r.Expires.IsZero() && r.Expires.Before(now.Add(-s.cfg.ArchiveCutoff))
}

// single says what the record says. A certificate that was never issued is
// unknown, or by RFC 6960 §2.2 revoked: on hold since 1970.
func (s *Signer) single(f finding, now time.Time) ocspsvc.Single {
	single := ocspsvc.Single{CertID: *f.id, ThisUpdate: now}
	switch {
	case f.unissued && s.cfg.Unissued == UnissuedRevoked:
		single.Status, single.RevokedAt, single.RevocationReason = ocspsvc.Revoked, time.Unix(0, 0), ocspsvc.CertificateHold
		return single
	case f.unissued:
		single.Status = ocspsvc.Unknown
		return single
	}
	single.Status, single.RevokedAt, single.RevocationReason = f.record.Status, f.record.RevokedAt, f.record.Reason
	if s.cfg.ArchiveCutoff > 0 {
		single.Extensions = []pkix.Extension{ocspsvc.ArchiveCutoff(now.Add(-s.cfg.ArchiveCutoff))}
	}
	return single
}
