package main

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dwaar/ocspsvc/ocsptest"
)

// registry is a CA with a database.
type registry struct {
	ca               *ocsptest.CA
	dir, db, issuer  string
	leaf             *ocsptest.Leaf
	leafFile, serial string
}

func newRegistry(t *testing.T) *registry {
	t.Helper()
	r := &registry{ca: ocsptest.NewCA(t), dir: t.TempDir()}
	r.db = "sqlite:" + filepath.Join(r.dir, "certs.db")
	r.issuer = r.file(t, "ca.pem", r.ca.Cert)
	r.leaf = r.ca.Leaf(t, ocsptest.Names("a.example"))
	r.serial = fmt.Sprintf("%x", r.leaf.Cert.SerialNumber.Bytes())
	r.leafFile = r.file(t, "leaf.pem", r.leaf.Cert, r.ca.Cert)
	return r
}

func (r *registry) file(t *testing.T, name string, certs ...*x509.Certificate) string {
	t.Helper()
	return ocsptest.WriteFile(t, r.dir, name, ocsptest.CertPEM(certs...))
}

// run runs a `dwaar ca` command on the database.
func (r *registry) run(t *testing.T, command string, args ...string) told {
	t.Helper()
	return dwaar(t, append([]string{"ca", command, "--database", r.db, "--issuer", r.issuer}, args...)...)
}

func TestALifeInTheDatabase(t *testing.T) {
	r := newRegistry(t)
	r.run(t, "list").expect(t, 1, "certs.db: no such file or directory; `dwaar ca add` makes it")
	r.run(t, "add", r.leafFile).expect(t, 0, "1 added, 0 were there\n")
	r.run(t, "add", r.leafFile).expect(t, 0, "0 added, 1 were there\n")
	r.run(t, "list").expect(t, 0, "SERIAL", r.serial, "  good  ", when(r.leaf.Cert.NotAfter), "CN=a.example")
	r.run(t, "revoke", r.serial, "--reason", "certificatehold", "--at", "2026-03-01T13:00:00+01:00").expect(t, 0, r.serial+" revoked, since 2026-03-01T12:00:00Z (certificateHold)\n")
	r.run(t, "unrevoke", r.leafFile).expect(t, 0, r.serial+" is good again\n")
	r.run(t, "unrevoke", r.leafFile).expect(t, 0, r.serial+" was good already\n")
	r.run(t, "revoke", "0x"+strings.ToUpper(r.serial), "--reason", "keyCompromise", "--at", "2026-03-01T12:00:00Z").expect(t, 0, "since 2026-03-01T12:00:00Z (keyCompromise)\n")
	r.run(t, "revoke", r.leafFile, "--reason", "keyCompromise").expect(t, 0, "was revoked already, since 2026-03-01T12:00:00Z (keyCompromise)\n")
	r.run(t, "revoke", r.leafFile, "--reason", "superseded").expect(t, 1, "is revoked since 2026-03-01T12:00:00Z (keyCompromise), for good")
	r.run(t, "unrevoke", r.serial).expect(t, 1, "for good: only certificateHold can be lifted")
	r.run(t, "add", r.leafFile).expect(t, 0, "0 added, 1 were there (1 of them revoked, and they stay so)\n")
	r.run(t, "list").expect(t, 0, "revoked", "2026-03-01T12:00:00Z", "keyCompromise")
}

func TestTheDatabaseMayBeInTheEnvironment(t *testing.T) {
	r := newRegistry(t)
	t.Setenv("DWAAR_DATABASE", r.db)
	dwaar(t, "ca", "add", "--issuer", r.issuer, r.leafFile).expect(t, 0, "1 added")
	t.Setenv("CERTS", r.db)
	dwaar(t, "ca", "list", "--database", "env:CERTS", "--issuer", r.issuer).expect(t, 0, r.serial)
}

func TestRevokingBySerialWantsARecordAndByFileMakesOne(t *testing.T) {
	r := newRegistry(t)
	r.run(t, "add", r.leafFile)
	other := r.ca.Leaf(t)
	r.run(t, "revoke", fmt.Sprintf("%x", other.Cert.SerialNumber)).expect(t, 1, "the database has no certificate with the serial number", "dwaar ca add")
	r.run(t, "unrevoke", "0a").expect(t, 1, "the database has no certificate with the serial number 0a")
	r.run(t, "revoke", r.file(t, "other.pem", other.Cert)).expect(t, 0, "revoked, since 20", "(unspecified)")
}

func TestCertificatesOfOthersAreRefused(t *testing.T) {
	r := newRegistry(t)
	stranger := ocsptest.NewCA(t).Leaf(t)
	file := r.file(t, "stranger.pem", stranger.Cert)
	r.run(t, "add", r.leafFile, file).expect(t, 1, "stranger.pem: the certificate of", "not by "+r.ca.Cert.Subject.String(), "--issuer "+r.issuer)
	r.run(t, "list", "--json").expect(t, 0, `{"certificates":[`) // nothing of it was added
	if certs := r.listed(t); len(certs) != 0 {
		t.Errorf("%+v", certs)
	}
	r.run(t, "revoke", file).expect(t, 1, "not by "+r.ca.Cert.Subject.String())
	twin := r.file(t, "twin.pem", r.ca.Twin(t).Cert)
	dwaar(t, "ca", "add", "--database", r.db, "--issuer", twin, r.leafFile).expect(t, 1, "leaf.pem: the certificate of")
	dwaar(t, "ca", "add", "--database", r.db, "--issuer", file, r.leafFile).expect(t, 1, "which is not a CA")
	dwaar(t, "ca", "add", "--database", r.db, "--issuer", r.leafFile, r.leafFile).expect(t, 1, "has 2 certificates: --issuer takes a file with the one of the CA")
}

func (r *registry) listed(t *testing.T, filters ...string) []listedCertificate {
	t.Helper()
	var list struct{ Certificates []listedCertificate }
	told := r.run(t, "list", append(filters, "--json")...)
	if err := json.Unmarshal([]byte(told.out), &list); err != nil || told.code != 0 {
		t.Fatalf("%v in %s%s", err, told.out, told.errors)
	}
	return list.Certificates
}

func TestListFilters(t *testing.T) {
	r := newRegistry(t)
	r.run(t, "add", r.leafFile, r.file(t, "b.pem", r.ca.Leaf(t).Cert), r.file(t, "c.pem", r.ca.Leaf(t).Cert))
	r.run(t, "revoke", r.leafFile, "--reason", "keyCompromise", "--at", "2026-03-01T12:00:00Z")
	r.run(t, "revoke", in(r.dir, "b.pem"), "--reason", "superseded", "--at", "2026-02-01T12:00:00Z")
	for filter, want := range map[string]int{
		"": 3, "--status=good": 1, "--status=revoked": 2, "--reason=superseded": 1, "--reason=unspecified": 0,
		"--revoked-after=2026-02-15T00:00:00Z": 1, "--expires-before=2020-01-01T00:00:00Z": 0, "--expires-before=2999-01-01T00:00:00Z": 3,
	} {
		if certs := r.listed(t, strings.Fields(filter)...); len(certs) != want {
			t.Errorf("%q: %d certificates, want %d: %+v", filter, len(certs), want, certs)
		}
	}
	want := listedCertificate{r.serial, "revoked", r.leaf.Cert.NotAfter, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), "keyCompromise", "/CN=a.example"}
	if certs := r.listed(t, "--reason=keyCompromise"); len(certs) != 1 || certs[0] != want {
		t.Errorf("%+v, want %+v", certs, want)
	}
}

func TestWrongUseOfCA(t *testing.T) {
	r := newRegistry(t)
	future := time.Now().Add(time.Hour).Format(time.RFC3339)
	for want, args := range map[string][]string{
		"missing flags: --database=DB, --issuer=FILE":  {"ca", "add", "x"},
		"--reason: unknown revocation reason \"mood\"": {"ca", "revoke", "--database", r.db, "--issuer", r.issuer, "0a", "--reason", "mood"},
		"removeFromCRL is no reason to revoke":         {"ca", "revoke", "--database", r.db, "--issuer", r.issuer, "0a", "--reason", "removeFromCRL"},
		"a certificate is not revoked in advance":      {"ca", "revoke", "--database", r.db, "--issuer", r.issuer, "0a", "--at", future},
		"a database is written sqlite:FILE":            {"ca", "list", "--database", "certs.db", "--issuer", r.issuer},
	} {
		dwaar(t, args...).expect(t, 2, want)
	}
	r.run(t, "add", r.leafFile)
	r.run(t, "revoke", "no/such.pem").expect(t, 2, "no/such.pem is neither a file nor a serial number")
	dwaar(t, "ca", "list", "--database", "index:/none", "--issuer", r.issuer).expect(t, 1, "import it into a database of dwaar's own")
	dwaar(t, "ca", "list", "--database", "postgres://ca:secret@127.0.0.1:1/x", "--issuer", r.issuer).expect(t, 1, "postgres://ca:xxxxx@127.0.0.1:1/x")
}
