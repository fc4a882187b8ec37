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
	forUpdate  string                                                            // what a SELECT ends with that locks its rows
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

// marks is n times ?, with commas.
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }
