package certdb

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
)

// dialect is in what the three databases differ.
type dialect struct {
	name       string
	migrations []migration
	lock       func(context.Context, *sql.Conn) (unlock func() error, err error) // one migrates at a time
	numbered   bool                                                              // placeholders are $1, $2, … and not ?
	known      func(issuer int64, serials [][]byte) (query string, values []any) // reads rows and locks them
	isolation  sql.IsolationLevel
	again      func(error) bool // the transaction may succeed at the next try
}

// migration is the statements that make one version of the schema of the one before.
type migration []string

// bind writes a query, which has ? for its values, as the database wants it.
func (d *dialect) bind(query string) string {
	if !d.numbered {
		return query
	}
	var b strings.Builder
	n := 0
	for part := range strings.SplitSeq(query, "?") {
		if n > 0 {
			b.WriteString("$" + strconv.Itoa(n))
		}
		b.WriteString(part)
		n++
	}
	return b.String()
}

// knownAmong is dialect.known by a list of values; it ends with locking.
func knownAmong(locking string) func(int64, [][]byte) (string, []any) {
	return func(issuer int64, serials [][]byte) (string, []any) {
		values := []any{issuer}
		for _, serial := range serials {
			values = append(values, serial)
		}
		return "SELECT " + columns + " FROM ocsp_certificates WHERE issuer = ? AND serial IN (" + marks(len(serials)) + ")" + locking, values
	}
}

// marks is n times ?, with commas.
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }
