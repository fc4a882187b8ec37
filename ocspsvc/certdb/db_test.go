package certdb_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"dwaar/ocspsvc/certdb"
	"dwaar/ocspsvc/certdb/certdbtest"
)

func TestSQLiteKeepsThePromises(t *testing.T) {
	certdbtest.Run(t, newSQLite, plainSQLite)
}

func newSQLite(t *testing.T) certdb.DSN {
	t.Helper()
	return certdb.DSN("sqlite:" + filepath.Join(t.TempDir(), "certs of a CA.db"))
}

func plainSQLite(dsn certdb.DSN, statement string) error {
	db, err := sql.Open("sqlite", "file:"+strings.ReplaceAll(strings.TrimPrefix(string(dsn), "sqlite:"), " ", "%20")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.Exec(statement)
	return err
}
