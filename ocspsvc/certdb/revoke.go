package certdb

import (
	"context"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"math/big"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/responder"
)

// RevokedError says that a certificate is revoked, and cannot be for another
// reason, or no longer.
type RevokedError struct {
	Serial *big.Int
	At     time.Time
	Reason ocspsvc.RevocationReason
}

func (e *RevokedError) Error() string {
	return fmt.Sprintf("serial %s is revoked since %s (%s), for good: only certificateHold can be lifted, or be given another reason",
		FormatSerial(e.Serial), e.At.Format(time.RFC3339), e.Reason)
}

// Revoke revokes a certificate that is there, as at a time. The same again is a
// no-op, whatever the time, and one on hold keeps its time when it gets another
// reason. It reports whether there was something to change; its error may be a
// *RevokedError or responder.ErrNoRecord.
func (d *DB) Revoke(ctx context.Context, issuer *x509.Certificate, serial *big.Int, at time.Time, reason ocspsvc.RevocationReason) (changed bool, err error) {
	if reason == ocspsvc.RemoveFromCRL {
		return false, errors.New("removeFromCRL is no reason to revoke: unrevoke the certificate")
	}
	err = d.one(ctx, issuer, serial, func(old Certificate) (Certificate, error) {
		changed = false // in the last attempt
		merged, more, kept := old.plus(Certificate{Record: responder.Record{Status: ocspsvc.Revoked, RevokedAt: at, Reason: reason}})
		if kept && old.Reason != reason {
			return old, &RevokedError{serial, old.RevokedAt, old.Reason}
		}
		changed = more
		return merged, nil
	})
	return changed, err
}

// Unrevoke lifts the hold of a certificate. It reports whether there was one;
// its error may be a *RevokedError or responder.ErrNoRecord.
func (d *DB) Unrevoke(ctx context.Context, issuer *x509.Certificate, serial *big.Int) (changed bool, err error) {
	err = d.one(ctx, issuer, serial, func(c Certificate) (Certificate, error) {
		changed = c.Status == ocspsvc.Revoked
		if changed && c.Reason != ocspsvc.CertificateHold {
			return c, &RevokedError{serial, c.RevokedAt, c.Reason}
		}
		c.Status, c.RevokedAt, c.Reason = ocspsvc.Good, time.Time{}, ocspsvc.Unspecified
		return c, nil
	})
	return changed && err == nil, err
}

// one changes one certificate in a transaction.
func (d *DB) one(ctx context.Context, issuer *x509.Certificate, serial *big.Int, work func(Certificate) (Certificate, error)) error {
	if err := checkSerial(serial); err != nil {
		return err
	}
	return d.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		id, err := d.issuerID(ctx, tx, issuer)
		if err != nil {
			return err
		}
		known, err := d.known(ctx, tx, id, []Certificate{{Serial: serial}})
		if err != nil {
			return err
		}
		old, there := known[string(key(serial))]
		if !there {
			return fmt.Errorf("serial %s: %w", FormatSerial(serial), responder.ErrNoRecord)
		}
		merged, err := work(old)
		if err != nil || merged == old {
			return err
		}
		return d.update(ctx, tx, id, merged)
	})
}
