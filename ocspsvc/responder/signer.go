package responder

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"time"

	"dwaar/ocspsvc"
)

// DefaultValidity is from thisUpdate to nextUpdate: what public CAs use.
const DefaultValidity = 4 * 24 * time.Hour

// SignerConfig says for whom and by whom is signed.
type SignerConfig struct {
	Issuer *x509.Certificate // whose certificates are answered for
	Cert   *x509.Certificate // the delegate; nil if the issuer signs itself
	Key    crypto.Signer     // of Cert, or of Issuer

	Validity time.Duration // from thisUpdate to nextUpdate; 0 is DefaultValidity
}

// Signer is a Source that signs what records say, at the moment it is asked.
// A serial that is not in the records is unknown, never good.
type Signer struct {
	cfg     SignerConfig
	records Records
}

// NewSigner checks that clients will believe what is going to be signed: it
// signs an answer and verifies it. So it refuses a key that is not the
// certificate's, and a delegate without OCSPSigning, of another issuer, or out
// of its dates.
func NewSigner(cfg SignerConfig, records Records) (*Signer, error) {
	if cfg.Issuer == nil || cfg.Key == nil || records == nil {
		return nil, errors.New("an OCSP signer needs an issuer, a key and records")
	}
	if cfg.Validity < 0 || cfg.Validity > 0 && cfg.Validity < time.Second {
		return nil, fmt.Errorf("an OCSP signer cannot sign for %s, at least for 1s", cfg.Validity)
	}
	if cfg.Validity == 0 {
		cfg.Validity = DefaultValidity
	}
	s := &Signer{cfg: cfg, records: records}
	if err := s.prove(); err != nil {
		return nil, fmt.Errorf("an OCSP signer nobody would believe: %w", err)
	}
	return s, nil
}

// prove signs and verifies an answer about a certificate that does not exist.
func (s *Signer) prove() error {
	now := time.Now()
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(1), RawIssuer: s.cfg.Issuer.RawSubject,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
	}
	id, err := ocspsvc.NewCertID(leaf, s.cfg.Issuer, crypto.SHA1)
	if err != nil {
		return err
	}
	single := ocspsvc.Single{CertID: id, Status: ocspsvc.Unknown, ThisUpdate: now, NextUpdate: now.Add(time.Minute)}
	response, err := s.sign([]ocspsvc.Single{single}, nil, now)
	if err != nil {
		return err
	}
	_, err = ocspsvc.Verify(response, leaf, s.cfg.Issuer, now, ocspsvc.VerifyOptions{})
	return err
}

// Respond answers every CertID of the request once, in its order, echoed byte
// for byte, and echoes the nonce. If one of them is of another issuer, it
// returns ocspsvc.ErrNotOurs.
func (s *Signer) Respond(ctx context.Context, req *ocspsvc.Request) (*ocspsvc.Response, error) {
	now := time.Now().Truncate(time.Second)
	seen := map[string]bool{}
	var singles []ocspsvc.Single
	for _, id := range req.CertIDs {
		if !id.MatchesIssuer(s.cfg.Issuer) {
			return nil, fmt.Errorf("serial %x: %w", id.Serial, ocspsvc.ErrNotOurs)
		}
		if seen[string(id.Raw)] {
			continue
		}
		seen[string(id.Raw)] = true
		single, err := s.single(ctx, id, now)
		if err != nil {
			return nil, err
		}
		singles = append(singles, single)
	}
	return s.sign(singles, req.Nonce, now)
}

func (s *Signer) single(ctx context.Context, id ocspsvc.CertID, now time.Time) (ocspsvc.Single, error) {
	single := ocspsvc.Single{CertID: id, Status: ocspsvc.Unknown, ThisUpdate: now, NextUpdate: now.Add(s.cfg.Validity)}
	record, err := s.records.Record(ctx, id.Serial)
	if err != nil {
		return single, fmt.Errorf("looking up serial %x: %w", id.Serial, err)
	}
	switch record.Status {
	case 0:
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

// sign names itself by key, as RFC 9919 wants of new responders, and embeds
// the delegate.
func (s *Signer) sign(singles []ocspsvc.Single, nonce []byte, now time.Time) (*ocspsvc.Response, error) {
	t := ocspsvc.Template{Singles: singles, ProducedAt: now, Nonce: nonce}
	signer := s.cfg.Issuer
	if s.cfg.Cert != nil {
		signer, t.Certificates = s.cfg.Cert, []*x509.Certificate{s.cfg.Cert}
	}
	return t.Sign(signer, s.cfg.Key)
}
