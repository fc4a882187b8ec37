package certdb

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"math/big"
	"time"

	"dwaar/ocspsvc/crl"
	"dwaar/ocspsvc/responder"
)

// stayListed is how long a certificate stays on CRLs after it has expired. It
// has to be on one that was issued after that (RFC 5280 §3.3).
const stayListed = 30 * 24 * time.Hour

// RevocationList makes and signs a CRL of all certificates of an issuer that are
// revoked, in DER, and says how many these are. Its number is higher than that
// of every one before, by whichever process.
func (d *DB) RevocationList(ctx context.Context, issuer *x509.Certificate, key crypto.Signer, validity time.Duration) (der []byte, listed int, err error) {
	lister, err := listerOf(issuer)
	if err != nil {
		return nil, 0, err
	}
	number, err := d.nextCRLNumber(ctx, issuer)
	if err != nil {
		return nil, 0, err
	}
	list := &x509.RevocationList{Number: big.NewInt(number), ThisUpdate: now(), NextUpdate: now().Add(validity)}
	if list.RevokedCertificateEntries, err = d.revoked(ctx, issuer, list.ThisUpdate.Add(-stayListed)); err != nil {
		return nil, 0, err
	}
	der, err = x509.CreateRevocationList(rand.Reader, list, lister, key)
	return der, len(list.RevokedCertificateEntries), err
}

// listerOf is issuer as crypto/x509 takes it for a CRL, with the usage spelled
// out: a certificate without key usage has them all (RFC 5280 §4.2.1.3).
func listerOf(issuer *x509.Certificate) (*x509.Certificate, error) {
	switch {
	case issuer.KeyUsage == 0:
		lister := *issuer
		lister.KeyUsage = x509.KeyUsageCRLSign
		return &lister, nil
	case issuer.KeyUsage&x509.KeyUsageCRLSign == 0:
		return nil, fmt.Errorf("the key usage of %s is not to sign CRLs, and no client would believe one", issuer.Subject)
	}
	return issuer, nil
}

// nextCRLNumber counts in seconds, so that a database which is made again goes
// on above the numbers of the one before.
func (d *DB) nextCRLNumber(ctx context.Context, issuer *x509.Certificate) (number int64, err error) {
	err = d.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		id, err := d.issuerID(ctx, tx, issuer)
		if err != nil {
			return err
		}
		query := d.dialect.bind("UPDATE ocsp_issuers SET crl_number = CASE WHEN crl_number < ? THEN ? ELSE crl_number + 1 END WHERE id = ?")
		if _, err := tx.ExecContext(ctx, query, now().Unix(), now().Unix(), id); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, d.dialect.bind("SELECT crl_number FROM ocsp_issuers WHERE id = ?"), id).Scan(&number)
	})
	return number, err
}

// revoked returns the entries of a CRL, without those that expired before.
func (d *DB) revoked(ctx context.Context, issuer *x509.Certificate, before time.Time) (entries []x509.RevocationListEntry, err error) {
	const page = 10_000
	for after := []byte{}; ; {
		certs, err := d.revokedAfter(ctx, responder.IssuerIDOf(issuer), after, page)
		if err != nil || len(certs) == 0 {
			return entries, err
		}
		for _, c := range certs {
			after = key(c.Serial)
			if c.Expires.IsZero() || c.Expires.After(before) {
				entries = append(entries, x509.RevocationListEntry{SerialNumber: c.Serial, RevocationTime: c.RevokedAt, ReasonCode: int(c.Reason)})
			}
		}
	}
}

func (d *DB) revokedAfter(ctx context.Context, issuer responder.IssuerID, after []byte, limit int) ([]Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, writeLimit)
	defer cancel()
	rows, err := d.read.QueryContext(ctx, d.dialect.bind("SELECT "+columns+" FROM ocsp_certificates WHERE status = 'revoked' AND serial > ?"+
		" AND issuer = (SELECT id FROM ocsp_issuers WHERE fingerprint = ?) ORDER BY serial LIMIT ?"), after, issuer[:], limit)
	if err != nil {
		return nil, err
	}
	certs, err := readRows(rows)
	for i, c := range certs {
		if undated(c.Record) {
			certs[i].RevokedAt = d.date(ctx, issuer, key(c.Serial))
		}
	}
	return certs, err
}

// ReadCRL returns what a CRL of an issuer revokes. Nothing is known about when
// these certificates expire.
func ReadCRL(data []byte, issuer *x509.Certificate) (certs []Certificate, err error) {
	list, err := crl.Read(data, issuer)
	if err != nil {
		return nil, err
	}
	for serial, entry := range list.After(nil) {
		if serial.Sign() < 0 {
			return nil, errors.New("a serial number on the list is negative: " + FormatSerial(serial))
		}
		certs = append(certs, Certificate{Serial: serial, Record: revokedBy(entry)})
	}
	return certs, nil
}
