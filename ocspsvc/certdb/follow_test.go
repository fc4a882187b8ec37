package certdb_test

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/certdb"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/responder"
)

// followed is a file, and what a responder reads of it.
type followed struct {
	certdb.Records
	path string
	id   responder.IssuerID
	book *ocsptest.Book
}

func follow(t *testing.T, kind, options string, issuer *x509.Certificate, content []byte) *followed {
	t.Helper()
	f := &followed{path: filepath.Join(t.TempDir(), "file"), id: responder.IssuerIDOf(issuer), book: ocsptest.NewBook(t)}
	f.write(t, content)
	var err error
	f.Records, err = certdb.Open(t.Context(), certdb.Config{Database: certdb.DSN(kind + ":" + f.path + options)}, []*x509.Certificate{issuer}, f.book.Log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// write replaces the file in place, as an editor or cp does.
func (f *followed) write(t *testing.T, content []byte) {
	t.Helper()
	if err := os.WriteFile(f.path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// soon waits for a status; "" is no record.
func (f *followed) soon(t *testing.T, serial *big.Int, want string) {
	t.Helper()
	var got string
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		record, err := f.Record(t.Context(), f.id, serial)
		if err != nil && !errors.Is(err, responder.ErrNoRecord) {
			got = err.Error()
		} else if got = record.Status.String(); got == want {
			return
		}
	}
	t.Fatalf("serial %v is %q, want %q", serial, got, want)
}

const (
	goodLine    = "V\t370301120000Z\t\t0A\tunknown\t/CN=a\n"
	revokedLine = "R\t370301120000Z\t260201120000Z\t0A\tunknown\t/CN=a\n"
	otherLine   = "V\t370301120000Z\t\t0B\tunknown\t/CN=b\n"
)

var ten, eleven = big.NewInt(10), big.NewInt(11)

func TestIndexIsFollowed(t *testing.T) {
	t.Parallel()
	f := follow(t, "index", "", ocsptest.NewCA(t).Cert, []byte(goodLine+otherLine))
	f.soon(t, ten, "good")
	f.soon(t, big.NewInt(12), "")
	changes := make(chan struct{}, 100)
	go func() {
		_ = f.Records.(responder.Watcher).Watch(t.Context(), func(id responder.IssuerID, serial *big.Int) {
			if id == f.id && serial == nil {
				changes <- struct{}{}
			}
		})
	}()
	f.write(t, []byte(revokedLine+otherLine))
	f.soon(t, ten, "revoked")
	select {
	case <-changes:
	case <-time.After(5 * time.Second):
		t.Error("nobody was told")
	}
	if err := os.Rename(f.path, f.path+".old"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(600 * time.Millisecond)
	f.soon(t, ten, "revoked") // what was read stays
	f.write(t, []byte(goodLine+otherLine))
	f.soon(t, ten, "good")
}

func TestHalfAnIndexIsNotBelieved(t *testing.T) {
	t.Parallel()
	f := follow(t, "index", "", ocsptest.NewCA(t).Cert, []byte(goodLine+otherLine))
	for _, half := range []string{revokedLine + "V\t3703", revokedLine + "V\n", revokedLine + revokedLine, ""} {
		f.write(t, []byte(half))
		for range 5 {
			time.Sleep(100 * time.Millisecond)
			f.soon(t, ten, "good")
			f.soon(t, eleven, "good")
		}
	}
	if warnings := f.book.Find(slog.LevelWarn, "what it said before stays"); len(warnings) != 1 {
		t.Errorf("%d warnings, want one", len(warnings))
	}
	f.write(t, []byte(revokedLine+otherLine))
	f.soon(t, ten, "revoked")
	f.write(t, []byte(goodLine)) // shorter, but it stays so
	f.soon(t, eleven, "")
}

func TestRevokedWithoutADateIsSinceItWasSeen(t *testing.T) {
	t.Parallel()
	f := follow(t, "index", "", ocsptest.NewCA(t).Cert, []byte("R\t370301120000Z\t\t0A\tunknown\t/CN=a\n"))
	first, err := f.Record(t.Context(), f.id, ten)
	if err != nil || time.Since(first.RevokedAt) > 3*time.Second {
		t.Fatalf("%+v, %v", first, err)
	}
	time.Sleep(1100 * time.Millisecond)
	if again, err := f.Record(t.Context(), f.id, ten); err != nil || !again.Equal(first) {
		t.Errorf("%+v, %v, want %+v", again, err, first)
	}
}

func TestContradictionsOfAnIndexAreErrors(t *testing.T) {
	t.Parallel()
	f := follow(t, "index", "", ocsptest.NewCA(t).Cert, []byte(otherLine+"V\t370301120000Z\t260201120000Z\t0A\tunknown\t/CN=a\n"))
	if record, err := f.Record(t.Context(), f.id, ten); !errors.Is(err, responder.ErrBadRecord) || record.Status != 0 {
		t.Errorf("%+v, %v", record, err)
	}
	f.soon(t, eleven, "good")
}

func TestFilesAreOfOneIssuer(t *testing.T) {
	t.Parallel()
	ca, other := ocsptest.NewCA(t), ocsptest.NewCA(t)
	f := follow(t, "index", "", ca.Cert, []byte(goodLine))
	if _, err := f.Record(t.Context(), responder.IssuerIDOf(other.Cert), ten); !errors.Is(err, responder.ErrNoRecord) {
		t.Errorf("another issuer's: %v", err)
	}
	for _, kind := range []string{"index:", "crl:"} {
		_, err := certdb.Open(t.Context(), certdb.Config{Database: certdb.DSN(kind + f.path)}, []*x509.Certificate{ca.Cert, other.Cert}, f.book.Log)
		if err == nil || !strings.Contains(err.Error(), "one issuer only") {
			t.Errorf("%s of two issuers: %v", kind, err)
		}
	}
}

// list makes a CRL of ca.
func list(t *testing.T, ca *ocsptest.CA, number int64, ends time.Duration, revoked ...*big.Int) []byte {
	t.Helper()
	template := &x509.RevocationList{Number: big.NewInt(number), ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: time.Now().Add(ends)}
	for _, serial := range revoked {
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: serial, RevocationTime: time.Now().Add(-2 * time.Hour), ReasonCode: 4})
	}
	der, err := x509.CreateRevocationList(nil, template, ca.Cert, ca.Key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestCRLIsFollowedAndNeverSaysGoodUnasked(t *testing.T) {
	t.Parallel()
	ca := ocsptest.NewCA(t)
	f := follow(t, "crl", "", ca.Cert, list(t, ca, 1, time.Hour, ten))
	f.soon(t, ten, "revoked")
	f.soon(t, eleven, "")
	f.write(t, list(t, ca, 2, time.Hour, ten, eleven))
	f.soon(t, eleven, "revoked")
	for _, bad := range [][]byte{list(t, ca.Twin(t), 3, time.Hour), list(t, ca, 3, time.Hour)[:100], nil} {
		f.write(t, bad)
		time.Sleep(300 * time.Millisecond)
		f.soon(t, eleven, "revoked")
	}
	entries, err := f.Records.(responder.Lister).List(t.Context(), f.id, ten, 10)
	if err != nil || len(entries) != 1 || entries[0].Serial.Cmp(eleven) != 0 || entries[0].Record.Reason != ocspsvc.Superseded {
		t.Errorf("%+v, %v", entries, err)
	}
}

func TestCRLSaysGoodWhenTold(t *testing.T) {
	t.Parallel()
	ca := ocsptest.NewCA(t)
	f := follow(t, "crl", "?unlisted=good", ca.Cert, list(t, ca, 1, 1500*time.Millisecond, ten))
	f.soon(t, ten, "revoked")
	f.soon(t, eleven, "good")
	if _, err := f.Record(t.Context(), responder.IssuerIDOf(ocsptest.NewCA(t).Cert), eleven); !errors.Is(err, responder.ErrNoRecord) {
		t.Errorf("another issuer's: %v", err)
	}
	time.Sleep(1600 * time.Millisecond) // it ends
	f.soon(t, ten, "revoked")
	if record, err := f.Record(t.Context(), f.id, eleven); ocspsvc.ReasonOf(err) != ocspsvc.ReasonExpired || record.Status != 0 {
		t.Errorf("after the list's end: %+v, %v", record, err)
	}
	if err := f.Ping(context.Background()); err == nil {
		t.Error("a list that has ended is ready")
	}
}

func TestCRLWarnsThatItCannotSayGood(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[certdb.DSN]int{"crl:/a": 1, "crl:/a?unlisted=good": 0, "crl:/a?unlisted=unknown": 0, "index:/a": 0} {
		if got := (certdb.Config{Database: dsn}).Warnings(); len(got) != want {
			t.Errorf("%s: %q", dsn, got)
		}
	}
}
