package integration

import (
	"crypto/x509"
	"errors"
	"log/slog"
	"math/big"
	"regexp"
	"testing"
	"time"

	"dwaar/integration/internal/database"
	"dwaar/ocspsvc"
	"dwaar/ocspsvc/certdb"
	"dwaar/ocspsvc/certdb/certdbtest"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/responder"
)

// Issue 5: a real PostgreSQL and a real MariaDB keep the promises that SQLite does.
func TestPostgreSQL(t *testing.T) {
	t.Parallel()
	server := database.PostgreSQL(t)
	keepsThePromises(t, server)
	t.Run("ReadersNeedNotWrite", func(t *testing.T) {
		readersNeedNotWrite(t, server, "CREATE ROLE reader LOGIN PASSWORD 'r'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
	})
	t.Run("TellsOfChangesByPlainSQL", func(t *testing.T) { postgresTells(t, server) })
	t.Run("IsSharedByResponders", func(t *testing.T) { respondersShare(t, server) })
	t.Run("KilledCAs", func(t *testing.T) { killCAs(t, func() string { return server.New(t) }, 4, 25_000) })
}

func TestMariaDB(t *testing.T) {
	t.Parallel()
	server := database.MariaDB(t)
	keepsThePromises(t, server)
	t.Run("ReadersNeedNotWrite", func(t *testing.T) {
		readersNeedNotWrite(t, server, "CREATE USER reader@'127.0.0.1' IDENTIFIED BY 'r'; GRANT SELECT ON *.* TO reader@'127.0.0.1'")
	})
	t.Run("ReadsTheTableOfOtherResponders", func(t *testing.T) { readsListCerts(t, server) })
	t.Run("IsSharedByResponders", func(t *testing.T) { respondersShare(t, server) })
	t.Run("KilledCAs", func(t *testing.T) { killCAs(t, func() string { return server.New(t) }, 4, 25_000) })
}

func keepsThePromises(t *testing.T, server *database.Server) {
	certdbtest.Run(t, func(t *testing.T) certdb.DSN { return certdb.DSN(server.New(t)) },
		func(dsn certdb.DSN, statement string) error { return server.SQL(string(dsn), statement) })
}

// A user who may only read is enough for a responder, also for a row that is revoked and does not
// say since when.
func readersNeedNotWrite(t *testing.T, server *database.Server, grant string) {
	dsn, ca := server.New(t), ocsptest.NewCA(t)
	db := must(t)(certdb.Create(t.Context(), certdb.DSN(dsn))).(*certdb.DB)
	defer db.Close()
	must(t)(db.Add(t.Context(), ca.Cert, certdb.Certificate{Serial: big.NewInt(10), Record: responder.Record{Status: ocspsvc.Good}}))
	must(t)(nil, server.SQL(dsn, grant))
	must(t)(nil, server.SQL(dsn, "UPDATE ocsp_certificates SET status = 'revoked'"))
	reader := regexp.MustCompile("//.*@").ReplaceAllString(dsn, "//reader:r@")
	records := opened(t, certdb.Config{Database: certdb.DSN(reader)}, ca)
	first := must(t)(records.Record(t.Context(), responder.IssuerIDOf(ca.Cert), big.NewInt(10))).(responder.Record)
	if first.Status != ocspsvc.Revoked || time.Since(first.RevokedAt) > time.Minute {
		t.Errorf("0a is %+v", first)
	}
	if err := records.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

// change is what a database tells.
type change struct {
	issuer responder.IssuerID
	serial string // empty: any
}

func postgresTells(t *testing.T, server *database.Server) {
	dsn, ca := server.New(t), ocsptest.NewCA(t)
	records := opened(t, certdb.Config{Database: certdb.DSN(dsn)}, ca)
	db := must(t)(certdb.Use(t.Context(), certdb.DSN(dsn))).(*certdb.DB)
	defer db.Close()
	var certs []certdb.Certificate
	for serial := range int64(100) {
		certs = append(certs, certdb.Certificate{Serial: big.NewInt(serial), Record: responder.Record{Status: ocspsvc.Good}})
	}
	must(t)(db.Add(t.Context(), ca.Cert, certs...))
	changes := make(chan change, 1000)
	go func() {
		_ = records.(responder.Watcher).Watch(t.Context(), func(issuer responder.IssuerID, serial *big.Int) {
			c := change{issuer: issuer}
			if serial != nil {
				c.serial = certdb.FormatSerial(serial)
			}
			changes <- c
		})
	}()
	id := responder.IssuerIDOf(ca.Cert)
	told(t, changes, change{id, ""}, "the beginning")
	for statement, want := range map[string]string{
		`UPDATE ocsp_certificates SET status = 'revoked' WHERE serial = '\x0a'`: "0a",
		`DELETE FROM ocsp_certificates WHERE serial = '\x0b'`:                   "0b",
		`INSERT INTO ocsp_certificates (issuer, serial) VALUES (1, '\xfffe')`:   "fffe",
		`UPDATE ocsp_certificates SET not_after = 1800000000`:                   "",
	} {
		began := time.Now()
		must(t)(nil, server.SQL(dsn, statement))
		told(t, changes, change{id, want}, statement)
		t.Logf("told %v after psql began", time.Since(began))
	}
	record := must(t)(records.Record(t.Context(), id, big.NewInt(10))).(responder.Record)
	if record.Status != ocspsvc.Revoked || time.Since(record.RevokedAt) > time.Minute {
		t.Errorf("0a is %+v", record)
	}
}

func told(t *testing.T, changes <-chan change, want change, what string) {
	t.Helper()
	for timeout := time.After(5 * time.Second); ; {
		select {
		case got := <-changes:
			if got == want {
				return
			}
		case <-timeout:
			t.Fatalf("nobody was told of %s", what)
		}
	}
}

func opened(t *testing.T, cfg certdb.Config, ca *ocsptest.CA) certdb.Records {
	t.Helper()
	records, err := certdb.Open(t.Context(), cfg, []*x509.Certificate{ca.Cert}, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = records.Close() })
	return records
}

const listCerts = `CREATE TABLE list_certs (cert_num VARCHAR(50) COLLATE utf8mb4_bin PRIMARY KEY, revocation_time DATETIME DEFAULT NULL,
	revocation_reason ENUM('unspecified','key_compromise','ca_compromise','affiliation_changed','superseded','cessation_of_operation',
	'certificate_hold','privilege_withdrawn','aa_compromise') DEFAULT NULL, cert BLOB NOT NULL DEFAULT '', status ENUM('Valid','Revoked') NOT NULL DEFAULT 'Valid')`

func readsListCerts(t *testing.T, server *database.Server) {
	dsn, ca := server.New(t), ocsptest.NewCA(t)
	leaf, stranger := ca.Leaf(t), ocsptest.NewCA(t).Leaf(t)
	for _, statement := range []string{
		listCerts,
		"INSERT INTO list_certs (cert_num) VALUES ('0x1A'), ('0x000000000000000000000000000000000000001b'), ('0X1c'), ('0x0001d')",
		"INSERT INTO list_certs (cert_num, status, revocation_time, revocation_reason) VALUES ('0x20', 'Revoked', '2026-03-01 12:00:00', 'unspecified')," +
			"('0x21', 'Revoked', '2026-03-01 12:00:00', 'key_compromise'), ('0x22', 'Revoked', '2026-03-01 12:00:00', 'ca_compromise')," +
			"('0x23', 'Revoked', '2026-03-01 12:00:00', 'affiliation_changed'), ('0x24', 'Revoked', '2026-03-01 12:00:00', 'superseded')," +
			"('0x25', 'Revoked', '2026-03-01 12:00:00', 'cessation_of_operation'), ('0x26', 'Revoked', '2026-03-01 12:00:00', 'certificate_hold')," +
			"('0x29', 'Revoked', '2026-03-01 12:00:00', 'privilege_withdrawn'), ('0x2a', 'Revoked', '2026-03-01 12:00:00', 'aa_compromise')",
		"INSERT INTO list_certs (cert_num, status) VALUES ('0x30', 'Revoked')",
		"INSERT INTO list_certs (cert_num, revocation_time) VALUES ('0x31', '2026-03-01 12:00:00')",
		"INSERT INTO list_certs (cert_num, revocation_reason) VALUES ('0x32', 'superseded')",
		"INSERT INTO list_certs (cert_num, status) VALUES ('0x33', 'Valid'), ('0x0033', 'Revoked')",
		"INSERT INTO list_certs (cert_num, cert) VALUES ('0x" + leaf.Cert.SerialNumber.Text(16) + "', '" + string(ocsptest.CertPEM(leaf.Cert)) + "')",
		"INSERT INTO list_certs (cert_num, cert) VALUES ('0x40', '" + string(ocsptest.CertPEM(stranger.Cert)) + "')",
	} {
		must(t)(nil, server.SQL(dsn, statement))
	}
	records := opened(t, certdb.Config{Database: certdb.DSN(dsn), Schema: certdb.SchemaListCerts}, ca)
	id, at := responder.IssuerIDOf(ca.Cert), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	expect := func(serial *big.Int, want responder.Record, wantErr error) {
		t.Helper()
		got, err := records.Record(t.Context(), id, serial)
		if !errors.Is(err, wantErr) || !got.Equal(want) {
			t.Errorf("%x is %+v, %v, want %+v, %v", serial, got, err, want, wantErr)
		}
	}
	for _, serial := range []int64{0x1a, 0x1b, 0x1d} {
		expect(big.NewInt(serial), responder.Record{Status: ocspsvc.Good}, nil)
	}
	for _, reason := range []int64{0, 1, 2, 3, 4, 5, 6, 9, 10} {
		expect(big.NewInt(0x20+reason), responder.Record{Status: ocspsvc.Revoked, RevokedAt: at, Reason: ocspsvc.RevocationReason(reason)}, nil)
	}
	first := must(t)(records.Record(t.Context(), id, big.NewInt(0x30))).(responder.Record)
	if first.Status != ocspsvc.Revoked || time.Since(first.RevokedAt) > time.Minute {
		t.Errorf("revoked without a time is %+v", first)
	}
	expect(big.NewInt(0x30), first, nil)
	expect(big.NewInt(0x31), responder.Record{}, responder.ErrBadRecord)
	expect(big.NewInt(0x32), responder.Record{}, responder.ErrBadRecord)
	if both := must(t)(records.Record(t.Context(), id, big.NewInt(0x33))).(responder.Record); both.Status != ocspsvc.Revoked {
		t.Errorf("valid and revoked is %+v", both)
	}
	expect(leaf.Cert.SerialNumber, responder.Record{Status: ocspsvc.Good, Expires: leaf.Cert.NotAfter.UTC()}, nil)
	expect(big.NewInt(0x40), responder.Record{}, responder.ErrNoRecord)
	expect(big.NewInt(0x99), responder.Record{}, responder.ErrNoRecord)
}
