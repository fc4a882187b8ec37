package certdb_test

import (
	"crypto/x509"
	"database/sql"
	"errors"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/certdb"
	"dwaar/ocspsvc/certdb/certdbtest"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/responder"
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

// What the table refuses may be there all the same: made before there were
// checks, or by somebody who switched them off.
func TestNonsenseInTheTableIsNeverGood(t *testing.T) {
	t.Parallel()
	dsn, ca := newSQLite(t), ocsptest.NewCA(t)
	db, err := certdb.Create(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	id := responder.IssuerIDOf(ca.Cert)
	for set, want := range map[string]error{
		"revoked_at = 1772366400":                      responder.ErrBadRecord,
		"reason = 'keyCompromise'":                     responder.ErrBadRecord,
		"status = 'Valid'":                             responder.ErrBadRecord,
		"status = ''":                                  responder.ErrBadRecord,
		"status = 'revoked', reason = 'removeFromCRL'": responder.ErrBadRecord,
		"status = 'revoked', reason = 'mood'":          nil,
	} {
		c := certdb.Certificate{Serial: big.NewInt(10), Record: responder.Record{Status: ocspsvc.Good}}
		if _, err := db.Add(t.Context(), ca.Cert, c); err != nil {
			t.Fatal(err)
		}
		if err := plainSQLite(dsn, "PRAGMA ignore_check_constraints = ON; UPDATE ocsp_certificates SET "+set); err != nil {
			t.Fatal(err)
		}
		record, err := db.Record(t.Context(), id, c.Serial)
		if !errors.Is(err, want) || record.Status == ocspsvc.Good || want == nil && record.Status != ocspsvc.Revoked {
			t.Errorf("%s: %+v, %v", set, record, err)
		}
		if certs, err := db.Certificates(t.Context(), id, nil, 10); err != nil || len(certs) != 1 || certs[0].Status == ocspsvc.Good {
			t.Errorf("%s: %+v, %v", set, certs, err)
		}
		if err := plainSQLite(dsn, "DELETE FROM ocsp_certificates"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestKeyUsageOfTheIssuerDecidesAboutCRLs(t *testing.T) {
	t.Parallel()
	for usage, want := range map[x509.KeyUsage]string{
		0:                    "",
		x509.KeyUsageCRLSign: "",
		x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature: "is not to sign CRLs",
	} {
		ca := ocsptest.NewCA(t, ocsptest.Modify(func(c *x509.Certificate) { c.KeyUsage = usage }))
		db, err := certdb.Create(t.Context(), newSQLite(t))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Add(t.Context(), ca.Cert); err != nil {
			t.Fatal(err)
		}
		der, _, err := db.RevocationList(t.Context(), ca.Cert, ca.Key, time.Hour)
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("usage %b: %v, want %s", usage, err, want)
			}
			continue
		}
		if list, parseErr := x509.ParseRevocationList(der); err != nil || parseErr != nil || list.CheckSignatureFrom(ca.Cert) != nil && usage != 0 {
			t.Errorf("usage %b: %v, %v", usage, err, parseErr)
		}
	}
}
