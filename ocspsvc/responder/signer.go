package responder

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"dwaar/ocspsvc"
)

// Signer is a Source that signs what records say. A serial that is not in the
// records is never good.
type Signer struct {
	cfg         Config
	authorities []*authority
	records     Records
	log         *slog.Logger
}

// NewSigner checks that clients will believe what is going to be signed, for
// each authority. The files that cfg names are not opened: they are in keys. A
// nil log logs nothing.
func NewSigner(cfg Config, keys Keys, records Records, log *slog.Logger) (*Signer, error) {
	if records == nil || len(keys.Authorities) == 0 {
		return nil, errors.New("an OCSP signer needs an authority and records")
	}
	if err := cfg.checkSettings(); err != nil {
		return nil, err
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Signer{cfg: cfg.withDefaults(), records: records, log: log}
	for _, from := range keys.Authorities {
		a, err := newAuthority(from, cfg.RSAPSS)
		if err != nil {
			return nil, err
		}
		s.authorities = append(s.authorities, a)
	}
	return s, nil
}

// Respond answers every CertID of the request once, in its order, echoed byte
// for byte, and echoes the nonce. If one of them is of another issuer, it
// returns ocspsvc.ErrNotOurs.
func (s *Signer) Respond(ctx context.Context, req *ocspsvc.Request) (*ocspsvc.Response, error) {
	a := s.authorityOf(&req.CertIDs[0])
	now := time.Now().Truncate(time.Second)
	seen := map[string]bool{}
	var singles []ocspsvc.Single
	for _, id := range req.CertIDs {
		if a == nil || !a.issued(&id) {
			return nil, fmt.Errorf("serial %x: %w", id.Serial, ocspsvc.ErrNotOurs)
		}
		if seen[string(id.Raw)] {
			continue
		}
		seen[string(id.Raw)] = true
		single, err := s.single(ctx, a, id, now)
		if err != nil {
			return nil, err
		}
		singles = append(singles, single)
	}
	return a.sign(ocspsvc.Template{Singles: singles, Nonce: req.Nonce, ProducedAt: now})
}

func (s *Signer) authorityOf(id *ocspsvc.CertID) *authority {
	for _, a := range s.authorities {
		if a.issued(id) {
			return a
		}
	}
	return nil
}

func (s *Signer) single(ctx context.Context, a *authority, id ocspsvc.CertID, now time.Time) (ocspsvc.Single, error) {
	single := ocspsvc.Single{CertID: id, Status: ocspsvc.Unknown, ThisUpdate: now, NextUpdate: now.Add(s.cfg.Validity)}
	record, err := s.records.Record(ctx, a.id, id.Serial)
	if errors.Is(err, ErrNoRecord) {
		return single, nil
	}
	if err != nil {
		return single, fmt.Errorf("looking up serial %x: %w", id.Serial, err)
	}
	switch record.Status {
	case ocspsvc.Good:
		single.Status = ocspsvc.Good
	case ocspsvc.Revoked:
		if record.RevokedAt.IsZero() {
			return single, fmt.Errorf("the record of serial %x does not say when it was revoked", id.Serial)
		}
		single.Status, single.RevokedAt, single.RevocationReason = ocspsvc.Revoked, record.RevokedAt, record.Reason
	default:
		return single, fmt.Errorf("the record of serial %x has status %q", id.Serial, record.Status)
	}
	return single, nil
}
