package certdb

import (
	"context"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"dwaar/ocspsvc/responder"
)

// DB is a database with certdb's own tables. It is responder.Records, and all
// that a CA does to its certificates.
type DB struct {
	read, write *sql.DB // the same, but for SQLite
	dialect     *dialect
	find        *sql.Stmt
	page        *sql.Stmt
	seen        *firstSeen
}

// The limits of every call, besides its context's.
const (
	connectLimit = 5 * time.Second
	readLimit    = 5 * time.Second
	writeLimit   = time.Minute
)

// limitPool bounds what one process takes of a server.
func limitPool(pool *sql.DB) *sql.DB {
	pool.SetMaxOpenConns(16)
	pool.SetMaxIdleConns(8)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	pool.SetConnMaxLifetime(time.Hour)
	return pool
}

// Create opens a database that is written to. What is missing of it is made.
func Create(ctx context.Context, dsn DSN) (*DB, error) {
	d, _, err := openDB(ctx, dsn, true)
	return d, err
}

// Use opens a database that is written to, and has to be there.
func Use(ctx context.Context, dsn DSN) (*DB, error) {
	d, _, err := openDB(ctx, dsn, false)
	return d, err
}

func openDB(ctx context.Context, dsn DSN, create bool) (d *DB, fresh bool, err error) {
	a, err := dsn.resolve()
	if err != nil {
		return nil, false, fmt.Errorf("database: %w", err)
	}
	d, fresh, err = openAddress(ctx, a, create)
	if err != nil {
		return nil, false, fmt.Errorf("database %s: %w", dsn, err)
	}
	return d, fresh, nil
}

// ErrReadOnly says that a database is only read.
var ErrReadOnly = errors.New("it is only read; import it into a database of dwaar's own (sqlite:, postgres: or mysql:)")

func openAddress(ctx context.Context, a address, create bool) (d *DB, fresh bool, err error) {
	switch a.kind {
	case kindSQLite:
		d, err = openSQLite(a, create)
	case kindPostgres:
		d, err = openPostgres(a)
	case kindMySQL:
		d, err = openMySQL(a)
	default:
		err = ErrReadOnly
	}
	if err != nil {
		return nil, false, err
	}
	ctx, cancel := context.WithTimeout(ctx, writeLimit)
	defer cancel()
	d.seen = newFirstSeen()
	if fresh, err = d.migrate(ctx, create); err == nil {
		err = d.prepare(ctx)
	}
	if err != nil {
		return nil, false, errors.Join(err, d.Close())
	}
	return d, fresh, nil
}

func (d *DB) prepare(ctx context.Context) (err error) {
	const of = "SELECT " + columns + " FROM ocsp_certificates WHERE issuer = (SELECT id FROM ocsp_issuers WHERE fingerprint = ?)"
	if d.find, err = d.read.PrepareContext(ctx, d.dialect.bind(of+" AND serial = ?")); err != nil {
		return err
	}
	d.page, err = d.read.PrepareContext(ctx, d.dialect.bind(of+" AND serial > ? ORDER BY serial LIMIT ?"))
	return err
}

// Close closes all connections.
func (d *DB) Close() error {
	if d.read == d.write {
		return d.write.Close()
	}
	return errors.Join(d.read.Close(), d.write.Close())
}

// Ping returns nil if the database can be read.
func (d *DB) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	var one int
	return d.read.QueryRowContext(ctx, "SELECT COUNT(*) FROM ocsp_schema").Scan(&one)
}

// issuerID finds the row of an issuer, or makes it.
func (d *DB) issuerID(ctx context.Context, tx *sql.Tx, issuer *x509.Certificate) (id int64, err error) {
	fingerprint := responder.IssuerIDOf(issuer)
	query := d.dialect.bind("SELECT id FROM ocsp_issuers WHERE fingerprint = ?")
	err = tx.QueryRowContext(ctx, query, fingerprint[:]).Scan(&id)
	if !errors.Is(err, sql.ErrNoRows) {
		return id, err
	}
	insert := d.dialect.bind("INSERT INTO ocsp_issuers (fingerprint, subject, certificate) VALUES (?, ?, ?)")
	if _, err := tx.ExecContext(ctx, insert, fingerprint[:], issuer.Subject.String(), issuer.Raw); err != nil {
		return 0, err
	}
	err = tx.QueryRowContext(ctx, query, fingerprint[:]).Scan(&id)
	return id, err
}

// tries is how often a transaction is begun that meets another one.
const tries = 5

// change runs work in a transaction: all of it happens, or nothing.
func (d *DB) change(ctx context.Context, work func(context.Context, *sql.Tx) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, writeLimit)
	defer cancel()
	for range tries {
		if err = d.attempt(ctx, work); err == nil || !d.dialect.again(err) {
			return err
		}
	}
	return err
}

func (d *DB) attempt(ctx context.Context, work func(context.Context, *sql.Tx) error) error {
	tx, err := d.write.BeginTx(ctx, &sql.TxOptions{Isolation: d.dialect.isolation})
	if err != nil {
		return err
	}
	if err := work(ctx, tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
