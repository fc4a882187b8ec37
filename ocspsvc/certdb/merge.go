package certdb

import (
	"context"
	"crypto/x509"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"dwaar/ocspsvc"
)

// Tally is what became of certificates that were to be added.
type Tally struct {
	Added     int // they were not there
	Changed   int // they are now revoked, or more is known about them
	Unchanged int // they were there
	Kept      int // they were there and revoked, which what came does not say, or otherwise
}

// Plus is the sum of both.
func (t Tally) Plus(other Tally) Tally {
	return Tally{t.Added + other.Added, t.Changed + other.Changed, t.Unchanged + other.Unchanged, t.Kept + other.Kept}
}

// chunk is how many rows one statement reads or writes. The driver of SQLite needs
// time by the square of it.
const chunk = 64

// Add adds certificates of an issuer, in one transaction. Those that are there
// may become revoked by it, but never good, and they keep the time and the
// reason of a revocation; certificateHold gives way to another reason. Adding
// the same again changes nothing.
func (d *DB) Add(ctx context.Context, issuer *x509.Certificate, certs ...Certificate) (Tally, error) {
	for _, c := range certs {
		if err := checkSerial(c.Serial); err != nil {
			return Tally{}, err
		}
	}
	var tally Tally
	err := d.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		tally = Tally{} // of the last attempt
		id, err := d.issuerID(ctx, tx, issuer)
		if err != nil {
			return err
		}
		for some := range slices.Chunk(certs, chunk) {
			n, err := d.merge(ctx, tx, id, some)
			if err != nil {
				return err
			}
			tally = tally.Plus(n)
		}
		return nil
	})
	return tally, err
}

// merge adds at most chunk certificates.
func (d *DB) merge(ctx context.Context, tx *sql.Tx, issuer int64, certs []Certificate) (tally Tally, err error) {
	known, err := d.known(ctx, tx, issuer, certs)
	if err != nil {
		return tally, err
	}
	var fresh []Certificate
	places := map[string]int{} // in fresh
	for _, c := range certs {
		k := string(key(c.Serial))
		old, there := known[k]
		if !there {
			places[k], known[k], fresh = len(fresh), c, append(fresh, c)
			continue
		}
		merged, changed, kept := old.plus(c)
		known[k] = merged
		tally.count(changed, kept)
		if place, isFresh := places[k]; isFresh { // twice in certs
			fresh[place] = merged
		} else if changed {
			if err := d.update(ctx, tx, issuer, merged); err != nil {
				return tally, err
			}
		}
	}
	tally.Added = len(fresh)
	return tally, d.insert(ctx, tx, issuer, fresh)
}

func (t *Tally) count(changed, kept bool) {
	switch {
	case kept:
		t.Kept++
	case changed:
		t.Changed++
	default:
		t.Unchanged++
	}
}

// plus is what is known about a certificate when c is heard of it, too.
func (old Certificate) plus(c Certificate) (merged Certificate, changed, kept bool) {
	merged = old
	if merged.Expires.IsZero() && !c.Expires.IsZero() {
		merged.Expires, changed = c.Expires, true
	}
	if merged.Subject == "" && c.Subject != "" {
		merged.Subject, changed = c.Subject, true
	}
	switch {
	case c.Status != ocspsvc.Revoked:
		return merged, changed, old.Status == ocspsvc.Revoked
	case old.Status != ocspsvc.Revoked:
		merged.Status, merged.RevokedAt, merged.Reason = c.Status, c.RevokedAt, c.Reason
		return merged, true, false
	case old.Reason == c.Reason && old.RevokedAt.IsZero() && !c.RevokedAt.IsZero():
		merged.RevokedAt = c.RevokedAt
		return merged, true, false
	case old.Reason == c.Reason && (c.RevokedAt.IsZero() || c.RevokedAt.Equal(old.RevokedAt)):
		return merged, changed, false
	case old.Reason == ocspsvc.CertificateHold && c.Reason != ocspsvc.CertificateHold:
		merged.Reason = c.Reason
		return merged, true, false
	}
	return merged, changed, true
}

// known reads the rows that there are of some certificates, and keeps others
// from changing them.
func (d *DB) known(ctx context.Context, tx *sql.Tx, issuer int64, certs []Certificate) (map[string]Certificate, error) {
	serials := make([][]byte, len(certs))
	for i, c := range certs {
		serials[i] = key(c.Serial)
	}
	query, values := d.dialect.known(issuer, serials)
	rows, err := tx.QueryContext(ctx, query, values...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	known := map[string]Certificate{}
	for rows.Next() {
		var r row
		if err := r.scan(rows.Scan); err != nil {
			return nil, err
		}
		c, err := r.certificate()
		if err != nil {
			return nil, err
		}
		known[string(r.serial)] = c
	}
	return known, rows.Err()
}

func (d *DB) insert(ctx context.Context, tx *sql.Tx, issuer int64, certs []Certificate) error {
	if len(certs) == 0 {
		return nil
	}
	values := make([]any, 0, 7*len(certs))
	for _, c := range certs {
		r := rowOf(c)
		values = append(append(values, issuer), r.values()...)
	}
	query := "INSERT INTO ocsp_certificates (issuer, " + columns + ") VALUES " + strings.TrimSuffix(strings.Repeat("(?,?,?,?,?,?,?),", len(certs)), ",")
	_, err := tx.ExecContext(ctx, d.dialect.bind(query), values...)
	return err
}

func (d *DB) update(ctx context.Context, tx *sql.Tx, issuer int64, c Certificate) error {
	r := rowOf(c)
	_, err := tx.ExecContext(ctx, d.dialect.bind("UPDATE ocsp_certificates SET subject = ?, not_after = ?, status = ?, revoked_at = ?, reason = ?"+
		" WHERE issuer = ? AND serial = ?"), r.subject, r.notAfter, r.status, r.revokedAt, r.reason, issuer, r.serial)
	if err != nil {
		return fmt.Errorf("serial %x: %w", r.serial, err)
	}
	return nil
}
