package certdb

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// readers is how many connections read a SQLite file at once.
const readers = 8

var sqliteDialect = dialect{
	name:       "SQLite",
	migrations: []migration{{sqliteIssuers, sqliteCertificates}},
	// The transaction is the lock: it begins as one that writes.
	lock:  func(context.Context, *sql.Conn) (func() error, error) { return func() error { return nil }, nil },
	known: knownAmong(""),
	again: func(error) bool { return false }, // busy_timeout waits
}

const sqliteIssuers = `CREATE TABLE ocsp_issuers (
	id INTEGER PRIMARY KEY,
	fingerprint BLOB NOT NULL UNIQUE CHECK (length(fingerprint) = 32),
	subject TEXT NOT NULL,
	certificate BLOB NOT NULL,
	crl_number INTEGER NOT NULL DEFAULT 0
) STRICT`

const sqliteCertificates = `CREATE TABLE ocsp_certificates (
	issuer INTEGER NOT NULL REFERENCES ocsp_issuers (id),
	serial BLOB NOT NULL CHECK (length(serial) BETWEEN 1 AND 64 AND (serial = x'00' OR substr(serial, 1, 1) <> x'00')),
	subject TEXT,
	not_after INTEGER,
	status TEXT NOT NULL DEFAULT 'good' CHECK (status IN ('good', 'revoked')),
	revoked_at INTEGER,
	reason TEXT CHECK (reason IN (` + reasonWords + `)),
	PRIMARY KEY (issuer, serial),
	CHECK (status = 'revoked' OR revoked_at IS NULL AND reason IS NULL)
) STRICT, WITHOUT ROWID`

// reasonWords are the reasons a row may have, as SQL.
const reasonWords = `'unspecified', 'keyCompromise', 'cACompromise', 'affiliationChanged', 'superseded', ` +
	`'cessationOfOperation', 'certificateHold', 'privilegeWithdrawn', 'aACompromise'`

// openSQLite opens a file twice: for one writer, and for readers, who never wait
// for it (write-ahead logging). Without create it has to be there: an empty
// database in place of a misspelt one would answer, and wrongly.
func openSQLite(a address, create bool) (*DB, error) {
	if _, err := os.Stat(a.path); err != nil && !create {
		return nil, err
	}
	write, err := sql.Open("sqlite", sqliteDSN(a.path, "&_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=cache_size(-65536)"))
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	read, err := sql.Open("sqlite", sqliteDSN(a.path, "&_pragma=query_only(1)"))
	if err != nil {
		return nil, err
	}
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	return &DB{read: read, write: write, dialect: &sqliteDialect}, nil
}

func sqliteDSN(path, options string) string {
	const wait = 10_000 // milliseconds for another process's writing
	return fmt.Sprintf("file:%s?_pragma=busy_timeout(%d)&_pragma=foreign_keys(1)%s", (&url.URL{Path: path}).EscapedPath(), wait, options)
}
