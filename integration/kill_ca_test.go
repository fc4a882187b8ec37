package integration

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/certdb"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/responder"
)

// Issue 5: kill -9 of `dwaar ca` leaves no half state.
func TestKilledCAs(t *testing.T) {
	t.Parallel()
	killCAs(t, func() string { return "sqlite:" + filepath.Join(t.TempDir(), "certs.db") }, 12, 50_000)
}

// killedCA is a CA with a database that `dwaar ca` is killed on.
type killedCA struct {
	t      *testing.T
	dsn    string
	issuer *x509.Certificate
	file   string
}

func killCAs(t *testing.T, dsn func() string, kills, lines int) {
	ca := ocsptest.NewCA(t)
	r := &killedCA{t: t, dsn: dsn(), issuer: ca.Cert, file: ocsptest.WriteFile(t, t.TempDir(), "ca.pem", ocsptest.CertPEM(ca.Cert))}
	whole := r.killImports(dsn, kills, lines)
	r.killRevokes(kills)
	t.Logf("%d of the killed imports had come to an end", whole)
}

// run runs a command to its end, and returns how long that took.
func (r *killedCA) run(args ...string) time.Duration {
	r.t.Helper()
	began := time.Now()
	if out, err := r.command(args...).CombinedOutput(); err != nil {
		r.t.Fatalf("dwaar ca %v: %v\n%s", args, err, out)
	}
	return time.Since(began)
}

func (r *killedCA) command(args ...string) *exec.Cmd {
	return exec.Command(binaries.Plain, append([]string{"ca", args[0], "--database", r.dsn, "--issuer", r.file}, args[1:]...)...)
}

// kill runs a command and kills it before it can have come to an end.
func (r *killedCA) kill(within time.Duration, args ...string) {
	r.t.Helper()
	cmd := r.command(args...)
	must(r.t)(nil, cmd.Start())
	time.Sleep(rand.N(within))
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// Of an import there are some batches, each of them whole, and running it again goes on.
func (r *killedCA) killImports(dsn func() string, kills, lines int) (whole int) {
	const batch = 20_000 // dwaar's
	var index bytes.Buffer
	for i := range lines {
		fmt.Fprintf(&index, "R\t370301120000Z\t260201120000Z,superseded\t%08X\tunknown\t/CN=host%d\n", i+1, i)
	}
	file := filepath.Join(r.t.TempDir(), "index.txt")
	must(r.t)(nil, os.WriteFile(file, index.Bytes(), 0o644))
	takes := r.run("import", file)
	r.dsn = dsn()
	for range kills {
		r.kill(takes, "import", file)
		n := r.count()
		if n%batch != 0 && n != lines {
			r.t.Fatalf("%d certificates after a kill", n)
		}
		if n == lines {
			whole, r.dsn = whole+1, dsn()
		}
	}
	r.run("import", file)
	if n := r.count(); n != lines {
		r.t.Errorf("%d certificates at the end", n)
	}
	return whole
}

// count reads all certificates, none of which may be half.
func (r *killedCA) count() (n int) {
	r.t.Helper()
	db, err := certdb.Create(r.t.Context(), certdb.DSN(r.dsn))
	if err != nil {
		r.t.Fatalf("the database after a kill: %v", err)
	}
	defer db.Close()
	for after := (*big.Int)(nil); ; {
		page := must(r.t)(db.Certificates(r.t.Context(), responder.IssuerIDOf(r.issuer), after, 10_000)).([]certdb.Certificate)
		if len(page) == 0 {
			return n
		}
		for _, c := range page {
			if c.Status != ocspsvc.Revoked || c.Reason != ocspsvc.Superseded || c.RevokedAt.Year() != 2026 || c.Expires.Year() != 2037 || c.Subject == "" {
				r.t.Fatalf("half a row: %+v", c)
			}
			after = c.Serial
		}
		n += len(page)
	}
}

// A certificate whose revocation was killed is good, or revoked with time and reason.
func (r *killedCA) killRevokes(kills int) {
	db := must(r.t)(certdb.Use(r.t.Context(), certdb.DSN(r.dsn))).(*certdb.DB)
	defer db.Close()
	good := responder.Record{Status: ocspsvc.Good}
	revoked := responder.Record{Status: ocspsvc.Revoked, RevokedAt: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Reason: ocspsvc.KeyCompromise}
	args := func(i int) (*big.Int, []string) {
		serial := big.NewInt(int64(1_000_000 + i))
		must(r.t)(db.Add(r.t.Context(), r.issuer, certdb.Certificate{Serial: serial, Record: good}))
		return serial, []string{"revoke", certdb.FormatSerial(serial), "--reason", "keyCompromise", "--at", "2026-03-01T12:00:00Z"}
	}
	_, first := args(0)
	takes, outcomes := r.run(first...), map[ocspsvc.Status]int{}
	for i := 1; i <= kills; i++ {
		serial, command := args(i)
		r.kill(takes*3/2, command...)
		record := must(r.t)(db.Record(r.t.Context(), responder.IssuerIDOf(r.issuer), serial)).(responder.Record)
		if !record.Equal(good) && !record.Equal(revoked) {
			r.t.Errorf("after a kill: %+v", record)
		}
		outcomes[record.Status]++
		r.run(command...)
		record = must(r.t)(db.Record(r.t.Context(), responder.IssuerIDOf(r.issuer), serial)).(responder.Record)
		if !record.Equal(revoked) {
			r.t.Errorf("in the end: %+v", record)
		}
	}
	r.t.Logf("after killed revocations: %v", outcomes)
}
