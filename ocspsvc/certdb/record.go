package certdb

import (
	"context"
	"database/sql"
	"errors"
	"math/big"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/responder"
)

// Record returns what is known about a certificate.
func (d *DB) Record(ctx context.Context, issuer responder.IssuerID, serial *big.Int) (responder.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	c, err := d.certificate(ctx, issuer, serial)
	if err != nil {
		return responder.Record{}, err
	}
	return c.Record, nil
}

func (d *DB) certificate(ctx context.Context, issuer responder.IssuerID, serial *big.Int) (Certificate, error) {
	k := key(serial)
	if k == nil || len(k) > MaxSerial {
		return Certificate{}, responder.ErrNoRecord
	}
	var r row
	err := r.scan(d.find.QueryRowContext(ctx, issuer[:], k).Scan)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Certificate{}, responder.ErrNoRecord
	case err != nil:
		return Certificate{}, err
	}
	c, err := r.certificate()
	if err != nil || !undated(c.Record) {
		return c, err
	}
	c.RevokedAt = d.date(ctx, issuer, k)
	return c, nil
}

func undated(r responder.Record) bool { return r.Status == ocspsvc.Revoked && r.RevokedAt.IsZero() }

// date gives a row that is revoked and does not say since when this very second,
// or what another process has given it meanwhile. If the database cannot be
// written to, the time is that of the first look of this process.
func (d *DB) date(ctx context.Context, issuer responder.IssuerID, serial []byte) time.Time {
	now := d.seen.at(issuer, serial)
	query := d.dialect.bind("UPDATE ocsp_certificates SET revoked_at = ? WHERE serial = ? AND status = 'revoked' AND revoked_at IS NULL" +
		" AND issuer = (SELECT id FROM ocsp_issuers WHERE fingerprint = ?)")
	if _, err := d.write.ExecContext(ctx, query, now.Unix(), serial, issuer[:]); err != nil {
		return now
	}
	var r row
	if err := r.scan(d.find.QueryRowContext(ctx, issuer[:], serial).Scan); err == nil && r.revokedAt.Valid {
		return seconds(r.revokedAt)
	}
	return now
}

// List returns the records of an issuer after a serial.
func (d *DB) List(ctx context.Context, issuer responder.IssuerID, after *big.Int, limit int) ([]responder.Entry, error) {
	certs, err := d.Certificates(ctx, issuer, after, limit)
	var entries []responder.Entry
	for _, c := range certs {
		entries = append(entries, responder.Entry{Serial: c.Serial, Record: c.Record})
	}
	return entries, err
}

// Certificates returns the certificates of an issuer in the order of their
// octets, at most limit of those after a serial, or from the beginning if it is
// nil. What contradicts itself has a zero Record.
func (d *DB) Certificates(ctx context.Context, issuer responder.IssuerID, after *big.Int, limit int) ([]Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, writeLimit)
	defer cancel()
	from := []byte{}
	if after != nil {
		from = key(after)
	}
	rows, err := d.page.QueryContext(ctx, issuer[:], from, limit)
	if err != nil {
		return nil, err
	}
	certs, err := readRows(rows)
	if err != nil {
		return nil, err
	}
	for i, c := range certs {
		if undated(c.Record) {
			certs[i].RevokedAt = d.date(ctx, issuer, key(c.Serial))
		}
	}
	return certs, nil
}

func readRows(rows *sql.Rows) (certs []Certificate, err error) {
	defer rows.Close()
	for rows.Next() {
		var r row
		if err := r.scan(rows.Scan); err != nil {
			return nil, err
		}
		c, _ := r.certificate()
		certs = append(certs, c)
	}
	return certs, rows.Err()
}
