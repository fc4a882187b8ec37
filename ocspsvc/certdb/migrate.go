package certdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// errNoSchema says that the database has none of our tables.
var errNoSchema = errors.New("there are no tables of dwaar in it yet; `dwaar ca add` makes them")

// migrate brings the schema to the newest version. Of several processes one
// does it and the others wait. Without create it has to be there in some
// version. It reports whether it was new.
func (d *DB) migrate(ctx context.Context, create bool) (fresh bool, err error) {
	version, err := d.version(ctx, d.write)
	if err == nil && version == len(d.dialect.migrations) {
		return false, nil // the usual case takes no lock
	}
	if err != nil && !create {
		return false, errors.Join(errNoSchema, d.write.PingContext(ctx))
	}
	conn, err := d.write.Conn(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	unlock, err := d.dialect.lock(ctx, conn)
	if err != nil {
		return false, err
	}
	fresh, err = d.migrateLocked(ctx, conn)
	return fresh, errors.Join(err, unlock())
}

func (d *DB) migrateLocked(ctx context.Context, conn *sql.Conn) (fresh bool, err error) {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS ocsp_schema (version INTEGER NOT NULL)"); err != nil {
		return false, err
	}
	version, err := d.version(ctx, tx)
	if err != nil {
		return false, err
	}
	if version > len(d.dialect.migrations) {
		return false, fmt.Errorf("its schema has version %d, made by a newer dwaar; this one knows %d", version, len(d.dialect.migrations))
	}
	for _, m := range d.dialect.migrations[version:] {
		for _, statement := range m {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return false, fmt.Errorf("migrating the schema from version %d: %w", version, err)
			}
		}
	}
	if err := d.setVersion(ctx, tx); err != nil {
		return false, err
	}
	return version == 0, tx.Commit()
}

// version is that of the schema, 0 of an empty one.
func (d *DB) version(ctx context.Context, q interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}) (int, error) {
	var version sql.NullInt64
	err := q.QueryRowContext(ctx, "SELECT MAX(version) FROM ocsp_schema").Scan(&version)
	return int(version.Int64), err
}

func (d *DB) setVersion(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM ocsp_schema"); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, d.dialect.bind("INSERT INTO ocsp_schema (version) VALUES (?)"), len(d.dialect.migrations))
	return err
}
