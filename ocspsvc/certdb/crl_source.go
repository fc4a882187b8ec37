package certdb

import (
	"context"
	"crypto/x509"
	"io"
	"log/slog"
	"math/big"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/crl"
	"dwaar/ocspsvc/responder"
)

// crlSource is a CRL of one issuer, in memory. It knows who is revoked, and
// nothing about who was issued.
type crlSource struct {
	issuer   responder.IssuerID
	file     follower[*crl.List]
	unlisted bool // what is not listed is good
}

func openCRL(a address, issuers []*x509.Certificate, log *slog.Logger) (*crlSource, error) {
	issuer, err := onlyIssuer(issuers)
	if err != nil {
		return nil, err
	}
	s := &crlSource{issuer: responder.IssuerIDOf(issuer), unlisted: a.options.Get(unlisted) == "good"}
	read := func(r io.Reader) (*crl.List, error) {
		data, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		return crl.Read(data, issuer)
	}
	// A list may become shorter: it is signed, so that half of one cannot be read.
	s.file = follower[*crl.List]{path: a.path, read: read, size: func(*crl.List) int { return 0 }, log: log}
	return s, s.file.open()
}

// Record returns what the list says. One that has ended still says who is
// revoked, and no longer who is good.
func (s *crlSource) Record(ctx context.Context, issuer responder.IssuerID, serial *big.Int) (responder.Record, error) {
	if err := ctx.Err(); err != nil {
		return responder.Record{}, err
	}
	if issuer != s.issuer || serial.Sign() < 0 {
		return responder.Record{}, responder.ErrNoRecord
	}
	list := s.file.get()
	if entry, revoked := list.Find(serial); revoked {
		return revokedBy(entry), nil
	}
	if err := list.Current(time.Now()); err != nil {
		return responder.Record{}, err
	}
	if !s.unlisted || list.Partial() {
		return responder.Record{}, responder.ErrNoRecord
	}
	return responder.Record{Status: ocspsvc.Good}, nil
}

// List returns the revoked certificates after a serial.
func (s *crlSource) List(ctx context.Context, issuer responder.IssuerID, after *big.Int, limit int) (entries []responder.Entry, err error) {
	if issuer != s.issuer {
		return nil, ctx.Err()
	}
	for serial, entry := range s.file.get().After(after) {
		if len(entries) == limit {
			break
		}
		entries = append(entries, responder.Entry{Serial: serial, Record: revokedBy(entry)})
	}
	return entries, ctx.Err()
}

// revokedBy is an entry of a list. A reason that is not among those of the RFC is none.
func revokedBy(entry crl.Entry) responder.Record {
	reason, err := ocspsvc.ParseRevocationReason(entry.Reason.String())
	if err != nil {
		reason = ocspsvc.Unspecified
	}
	return responder.Record{Status: ocspsvc.Revoked, RevokedAt: entry.RevokedAt, Reason: reason}
}

// Watch follows the file.
func (s *crlSource) Watch(ctx context.Context, changed func(responder.IssuerID, *big.Int)) error {
	return s.file.watch(ctx, func() { changed(s.issuer, nil) })
}

// Ping returns nil if the list has not ended.
func (s *crlSource) Ping(ctx context.Context) error {
	if err := s.file.get().Current(time.Now()); err != nil {
		return err
	}
	return ctx.Err()
}

// Close is for io.Closer.
func (s *crlSource) Close() error { return nil }
