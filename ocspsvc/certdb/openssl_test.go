package certdb_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/certdb"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/responder"
)

// opensslCA is a CA that `openssl ca` runs, and that openssl's own responder
// answers for.
type opensslCA struct {
	*ocsptest.CA
	dir string
}

func newOpensslCA(t *testing.T) *opensslCA {
	t.Helper()
	o := &opensslCA{CA: ocsptest.NewCA(t), dir: t.TempDir()}
	for name, content := range map[string]string{
		"openssl.cnf": fmt.Sprintf("[ca]\ndefault_ca = this\n[this]\ndatabase = %[1]s/index.txt\ncertificate = %[1]s/ca.pem\nprivate_key = %[1]s/ca.key\n"+
			"new_certs_dir = %[1]s\nserial = %[1]s/serial\ndefault_md = sha256\ndefault_days = 30\npolicy = any\nunique_subject = no\n"+
			"[any]\ncommonName = supplied\norganizationName = optional\n", o.dir),
		"index.txt": "", "index.txt.attr": "unique_subject = no\n", "serial": "00F0\n",
		"ca.pem": string(ocsptest.CertPEM(o.Cert)), "ca.key": string(ocsptest.KeyPEM(t, o.Key, ocsptest.PKCS8)),
	} {
		ocsptest.WriteFile(t, o.dir, name, []byte(content))
	}
	o.openssl(t, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", o.file("leaf.key"), "-out", o.file("leaf.csr"), "-subj", "/O=A \\/ B, Ünï/CN=leaf.example", "-utf8")
	return o
}

func (o *opensslCA) file(name string) string { return filepath.Join(o.dir, name) }

func (o *opensslCA) openssl(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "openssl", args...).CombinedOutput(); err != nil {
		t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func (o *opensslCA) ca(t *testing.T, args ...string) {
	t.Helper()
	o.openssl(t, append([]string{"ca", "-batch", "-config", o.file("openssl.cnf")}, args...)...)
}

// issue makes a certificate for each way to revoke one, and two that are not.
func (o *opensslCA) issue(t *testing.T) {
	t.Helper()
	ways := [][]string{nil, nil, {}, {"-crl_hold", "holdInstructionReject"}, {"-crl_compromise", "20260101000000Z"}, {"-crl_CA_compromise", "20260101000000Z"}}
	for _, reason := range []string{"unspecified", "keyCompromise", "CACompromise", "affiliationChanged", "superseded", "cessationOfOperation", "certificateHold"} {
		ways = append(ways, []string{"-crl_reason", reason})
	}
	for i, way := range ways {
		o.ca(t, "-in", o.file("leaf.csr"), "-out", o.file("leaf.pem"), "-notext")
		if way != nil || i == 2 {
			o.ca(t, append([]string{"-revoke", o.file("leaf.pem")}, way...)...)
		}
	}
	o.ca(t, "-in", o.file("leaf.csr"), "-out", o.file("leaf.pem"), "-startdate", "200101000000Z", "-enddate", "210101000000Z")
	o.ca(t, "-updatedb") // that one is E now
}

// asks openssl's own responder about serials, by an index.txt.
func (o *opensslCA) asks(t *testing.T, index string, serials ...*big.Int) map[string]ocspsvc.Single {
	t.Helper()
	response := o.file("response.der")
	ask := []string{"ocsp", "-index", index, "-CA", o.file("ca.pem"), "-rsigner", o.file("ca.pem"), "-rkey", o.file("ca.key"), "-ndays", "1", "-noverify", "-issuer", o.file("ca.pem"), "-respout", response}
	for _, serial := range serials {
		ask = append(ask, "-serial", "0x"+serial.Text(16))
	}
	o.openssl(t, ask...)
	der, err := os.ReadFile(response)
	if err != nil {
		t.Fatal(err)
	}
	r, err := ocspsvc.ParseResponse(der)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]ocspsvc.Single{}
	for _, single := range r.Singles {
		said[single.CertID.Serial.String()] = single
	}
	return said
}

// sources are the same index.txt, followed, and taken over into a database.
func (o *opensslCA) sources(t *testing.T) map[string]responder.Records {
	t.Helper()
	issuers, log := []*x509.Certificate{o.Cert}, ocsptest.NewBook(t).Log
	followed, err := certdb.Open(t.Context(), certdb.Config{Database: certdb.DSN("index:" + o.file("index.txt"))}, issuers, log)
	if err != nil {
		t.Fatal(err)
	}
	db, err := certdb.Create(t.Context(), certdb.DSN("sqlite:"+o.file("certs.db")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	index, err := os.ReadFile(o.file("index.txt"))
	if err != nil {
		t.Fatal(err)
	}
	err = certdb.ReadIndex(bytes.NewReader(index), func(c certdb.Certificate, bad error) error {
		_, err := db.Add(t.Context(), o.Cert, c)
		return errors.Join(bad, err)
	})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]responder.Records{"followed": followed, "taken over": db}
}

func TestOpenSSLsOwnResponderAgreesOnEverySerial(t *testing.T) {
	t.Parallel()
	o := newOpensslCA(t)
	o.issue(t)
	var serials []*big.Int
	for serial := int64(0xef); serial < 0x102; serial++ { // one more at each end
		serials = append(serials, big.NewInt(serial))
	}
	sources := o.sources(t)
	theirs := o.asks(t, o.file("index.txt"), serials...)
	counts := map[ocspsvc.Status]int{}
	for name, records := range sources {
		for _, serial := range serials {
			counts[o.agree(t, name, records, serial, theirs)]++
		}
	}
	if counts[ocspsvc.Good] != 4 || counts[ocspsvc.Revoked] != 22 || counts[ocspsvc.Unknown] < 4 {
		t.Errorf("%v", counts)
	}
	o.agreeOnExport(t, sources["taken over"].(*certdb.DB), serials, theirs)
}

func (o *opensslCA) agree(t *testing.T, name string, records responder.Records, serial *big.Int, theirs map[string]ocspsvc.Single) ocspsvc.Status {
	t.Helper()
	ours, err := records.Record(t.Context(), responder.IssuerIDOf(o.Cert), serial)
	if errors.Is(err, responder.ErrNoRecord) {
		ours, err = responder.Record{Status: ocspsvc.Unknown}, nil
	}
	if err != nil {
		t.Errorf("%s: %x: %v", name, serial, err)
	}
	single, said := theirs[serial.String()]
	if !said { // openssl says nothing about expired ones, E
		if ours.Status != ocspsvc.Good || ours.Expires.Year() != 2021 {
			t.Errorf("%s: %x is %+v, and openssl says nothing", name, serial, ours)
		}
		return 0
	}
	if ours.Status != single.Status || !ours.RevokedAt.Equal(single.RevokedAt) || ours.Reason != single.RevocationReason {
		t.Errorf("%s: %x is %+v, openssl says %+v", name, serial, ours, single)
	}
	return ours.Status
}

// agreeOnExport has openssl read what we write. Instructions for holds, and since
// when a key was compromised, are not kept.
func (o *opensslCA) agreeOnExport(t *testing.T, db *certdb.DB, serials []*big.Int, theirs map[string]ocspsvc.Single) {
	t.Helper()
	certs, err := db.Certificates(context.Background(), responder.IssuerIDOf(o.Cert), nil, 100)
	if err != nil {
		t.Fatal(err)
	}
	var index bytes.Buffer
	for _, c := range certs {
		if _, err := certdb.WriteIndex(&index, c); err != nil {
			t.Fatal(err)
		}
	}
	ocsptest.WriteFile(t, o.dir, "exported.txt.attr", []byte("unique_subject = no\n"))
	again := o.asks(t, ocsptest.WriteFile(t, o.dir, "exported.txt", index.Bytes()), serials...)
	for serial, before := range theirs {
		after := again[serial]
		if after.Status != before.Status || !after.RevokedAt.Equal(before.RevokedAt) || after.RevocationReason != before.RevocationReason {
			t.Errorf("openssl says %+v, and of our index.txt %+v", before, after)
		}
	}
}
