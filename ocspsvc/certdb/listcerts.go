package certdb

import (
	"bytes"
	"context"
	"crypto/x509"
	"database/sql"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"slices"
	"strings"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/responder"
)

// listCerts is the table list_certs of other responders (SchemaListCerts).
type listCerts struct {
	db     *DB // for its connections
	issuer *x509.Certificate
	id     responder.IssuerID
	seen   *firstSeen
}

func openListCerts(ctx context.Context, a address, issuers []*x509.Certificate, _ *slog.Logger) (Records, error) {
	issuer, err := onlyIssuer(issuers)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", SchemaListCerts, err)
	}
	if a.kind != kindMySQL {
		return nil, errors.New(SchemaListCerts + " is a table in MySQL or MariaDB")
	}
	db, err := openMySQL(a)
	if err != nil {
		return nil, err
	}
	l := &listCerts{db: db, issuer: issuer, id: responder.IssuerIDOf(issuer), seen: newFirstSeen()}
	if err := l.Ping(ctx); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

const listCertsColumns = "cert_num, revocation_time, revocation_reason, cert, status"

// Record returns what the table says. The same number may be written in several
// ways, and be there more than once; then the most pessimistic row counts.
func (l *listCerts) Record(ctx context.Context, issuer responder.IssuerID, serial *big.Int) (responder.Record, error) {
	if issuer != l.id || serial.Sign() < 0 || len(key(serial)) > MaxSerial {
		return responder.Record{}, responder.ErrNoRecord
	}
	spelled := spellings(serial)
	certs, bad, err := l.query(ctx, "SELECT "+listCertsColumns+" FROM list_certs WHERE cert_num IN ("+marks(len(spelled))+")", spelled...)
	if err != nil {
		return responder.Record{}, err
	}
	for _, c := range certs {
		if c.Status == ocspsvc.Revoked {
			return c.Record, nil
		}
	}
	switch {
	case bad != nil:
		return responder.Record{}, bad
	case len(certs) == 0:
		return responder.Record{}, responder.ErrNoRecord
	}
	return certs[0].Record, nil
}

// spellings are the ways to write a serial number in cert_num: with leading
// zeros up to 20 octets, in small and capital letters, so that an index of the
// column is of use whatever its collation.
func spellings(serial *big.Int) (all []any) {
	const most = 40
	digits := serial.Text(16)
	for width := len(digits); width <= max(most, len(digits)+1); width++ {
		padded := strings.Repeat("0", width-len(digits)) + digits
		for _, text := range []string{"0x" + padded, "0x" + strings.ToUpper(padded)} {
			if !slices.Contains(all, any(text)) {
				all = append(all, text)
			}
		}
	}
	return all
}

// query reads rows. bad is what the first of those says that contradict
// themselves.
func (l *listCerts) query(ctx context.Context, query string, values ...any) (certs []Certificate, bad, err error) {
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	rows, err := l.db.read.QueryContext(ctx, query, values...)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		c, ours, err := l.scan(rows)
		switch {
		case errors.Is(err, responder.ErrBadRecord) && bad == nil:
			bad = err
		case err != nil && !errors.Is(err, responder.ErrBadRecord):
			return nil, nil, err
		case err == nil && ours:
			certs = append(certs, c)
		}
	}
	return certs, bad, rows.Err()
}

// scan reads a row. It is not ours if it has a certificate of another issuer.
func (l *listCerts) scan(rows *sql.Rows) (c Certificate, ours bool, err error) {
	var number, status string
	var at sql.NullTime
	var reason sql.NullString
	var cert []byte
	if err := rows.Scan(&number, &at, &reason, &cert, &status); err != nil {
		return c, false, err
	}
	if c.Serial, err = ParseSerial(number); err != nil {
		return c, false, fmt.Errorf("cert_num %q: %w: %w", number, responder.ErrBadRecord, err)
	}
	var expires time.Time
	if block, _ := pem.Decode(cert); block != nil {
		if parsed, err := x509.ParseCertificate(block.Bytes); err == nil {
			if !l.names(parsed) {
				return c, false, nil
			}
			expires, c.Subject = parsed.NotAfter.UTC(), oneLine(parsed.RawSubject)
		}
	}
	if c.Record, err = judge(listCertsStatus(status), at.Time, listCertsReason(reason.String)); err != nil {
		return c, false, fmt.Errorf("serial %s: %w", FormatSerial(c.Serial), err)
	}
	c.Record = l.seen.dated(l.id, key(c.Serial), c.Record)
	c.RevokedAt, c.Expires = c.RevokedAt.UTC().Truncate(time.Second), expires
	return c, true, nil
}

// names reports whether a certificate names our issuer, by name and by key.
func (l *listCerts) names(cert *x509.Certificate) bool {
	named, key := cert.AuthorityKeyId, l.issuer.SubjectKeyId
	return bytes.Equal(cert.RawIssuer, l.issuer.RawSubject) && (len(named) == 0 || len(key) == 0 || bytes.Equal(named, key))
}

func listCertsStatus(word string) string {
	switch word {
	case "Valid":
		return statusGood
	case "Revoked":
		return statusRevoked
	}
	return word
}

// listCertsReason is key_compromise as keyCompromise.
func listCertsReason(word string) string {
	plain := strings.ReplaceAll(word, "_", "")
	for reason := ocspsvc.Unspecified; reason <= ocspsvc.AACompromise; reason++ {
		if strings.EqualFold(reason.String(), plain) {
			return reason.String()
		}
	}
	return word
}

// Ping returns nil if the table can be read.
func (l *listCerts) Ping(ctx context.Context) error {
	_, _, err := l.query(ctx, "SELECT "+listCertsColumns+" FROM list_certs LIMIT 1")
	return err
}

// Close closes all connections.
func (l *listCerts) Close() error { return l.db.Close() }
