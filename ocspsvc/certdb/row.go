package certdb

import (
	"database/sql"
	"fmt"
	"math/big"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/responder"
)

// Certificate is a certificate with what is known about it.
type Certificate struct {
	Serial  *big.Int
	Subject string // as openssl writes it, /C=…/CN=…; empty if it is not known
	responder.Record
}

// row is a Certificate as it is in a table: every column may hold nonsense.
type row struct {
	serial    []byte
	subject   sql.NullString
	notAfter  sql.NullInt64
	status    string
	revokedAt sql.NullInt64
	reason    sql.NullString
}

// The words of the column status.
const (
	statusGood    = "good"
	statusRevoked = "revoked"
)

// columns are those of row, in its order.
const columns = "serial, subject, not_after, status, revoked_at, reason"

func (r *row) scan(scan func(...any) error) error {
	return scan(&r.serial, &r.subject, &r.notAfter, &r.status, &r.revokedAt, &r.reason)
}

// values are what scan reads.
func (r *row) values() []any {
	return []any{r.serial, r.subject, r.notAfter, r.status, r.revokedAt, r.reason}
}

// rowOf is a Certificate as it goes into a table.
func rowOf(c Certificate) row {
	r := row{
		serial: key(c.Serial), status: statusGood, subject: sql.NullString{String: c.Subject, Valid: c.Subject != ""},
		notAfter: sql.NullInt64{Int64: c.Expires.Unix(), Valid: !c.Expires.IsZero()},
	}
	if c.Status == ocspsvc.Revoked {
		r.status = statusRevoked
		r.revokedAt = sql.NullInt64{Int64: c.RevokedAt.Unix(), Valid: !c.RevokedAt.IsZero()}
		r.reason = sql.NullString{String: c.Reason.String(), Valid: c.Reason != ocspsvc.Unspecified}
	}
	return r
}

// certificate reads a row. A revoked one without a time has a zero RevokedAt.
func (r *row) certificate() (Certificate, error) {
	record, err := judge(r.status, seconds(r.revokedAt), r.reason.String)
	record.Expires = seconds(r.notAfter)
	c := Certificate{Serial: new(big.Int).SetBytes(r.serial), Subject: r.subject.String, Record: record}
	if err != nil {
		return c, fmt.Errorf("serial %x: %w", r.serial, err)
	}
	return c, nil
}

func seconds(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.Unix(n.Int64, 0).UTC()
}

// judge makes a record of what a table says, or ErrBadRecord. A revoked
// certificate whose reason is not among those of the RFC is revoked all the
// same.
func judge(status string, revokedAt time.Time, reason string) (responder.Record, error) {
	switch {
	case status == statusRevoked:
		known, err := ocspsvc.ParseRevocationReason(reason)
		if err != nil {
			known = ocspsvc.Unspecified
		}
		if known == ocspsvc.RemoveFromCRL {
			return responder.Record{}, fmt.Errorf("%w: it is revoked because it is not revoked (removeFromCRL)", responder.ErrBadRecord)
		}
		return responder.Record{Status: ocspsvc.Revoked, RevokedAt: revokedAt, Reason: known}, nil
	case status != statusGood:
		return responder.Record{}, fmt.Errorf("%w: its status is %.20q", responder.ErrBadRecord, status)
	case !revokedAt.IsZero():
		return responder.Record{}, fmt.Errorf("%w: it is good and has a revocation time", responder.ErrBadRecord)
	case reason != "":
		return responder.Record{}, fmt.Errorf("%w: it is good and has a revocation reason", responder.ErrBadRecord)
	}
	return responder.Record{Status: ocspsvc.Good}, nil
}
