package certdb

import (
	"errors"
	"fmt"
	"strings"
)

// Config is what can be written in a Dwaarfile about where records are.
type Config struct {
	// Database says where.
	Database DSN `json:"database"`

	// Schema is whose tables they are: empty for certdb's own, or SchemaListCerts.
	Schema string `json:"schema,omitempty"`
}

// SchemaListCerts is the table of other responders, in MySQL or MariaDB:
//
//	list_certs(cert_num, revocation_time, revocation_reason, cert, status)
//
// It is only read. It does not say whose certificates they are, so it can be
// that of one issuer only.
const SchemaListCerts = "list_certs"

// Check returns what is wrong with the settings, all of it, each by the name of
// its option. It opens nothing.
func (c Config) Check() error {
	var wrong []error
	if err := c.Database.Check(); err != nil {
		wrong = append(wrong, fmt.Errorf("database: %w", err))
	}
	kind, _, _ := strings.Cut(string(c.Database), ":")
	switch {
	case c.Schema != "" && c.Schema != SchemaListCerts:
		wrong = append(wrong, fmt.Errorf("schema: %q is unknown; there is %s", c.Schema, SchemaListCerts))
	case c.Schema != "" && kind != kindMySQL && kind != kindEnv && kind != kindFile:
		wrong = append(wrong, errors.New("schema: "+SchemaListCerts+" is a table in MySQL or MariaDB"))
	}
	return errors.Join(wrong...)
}

// Warnings says what is in order and perhaps not what was meant.
func (c Config) Warnings() []string {
	if a, err := parse(string(c.Database)); err == nil && a.kind == kindCRL && !a.options.Has(unlisted) {
		return []string{"database: a CRL does not say which certificates were issued, so what it does not list is not answered by good; " +
			"if it is all you have, write ?unlisted=good behind its name, and every serial it does not list is good, also one that was never issued"}
	}
	return nil
}
