package main

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"strings"
	"testing"

	"dwaar/ocspsvc/ocsptest"
)

func TestAnIndexIsTakenOverAndGivenBack(t *testing.T) {
	r := newRegistry(t)
	const index = "V\t370301120000Z\t\t0A\tunknown\t/CN=a\n" +
		"R\t370301120000Z\t260201120000Z,keyCompromise\t0B\tunknown\t/CN=b\n" +
		"R\t370301120000Z\t260201120000Z\t0C\tunknown\t/CN=b\n" +
		"R\t20750301120000Z\t260201120000Z,certificateHold\t0D\tunknown\t/CN=d\n"
	file := ocsptest.WriteFile(t, r.dir, "index.txt", []byte(index))
	r.run(t, "import", file).expect(t, 0, "4 added, 0 were there\n")
	r.run(t, "import", file).expect(t, 0, "0 added, 4 were there\n")
	if told := r.run(t, "export", "--index"); told.out != index {
		t.Errorf("%s\nis given back as\n%s", index, told.out)
	}
	r.run(t, "export", "--index", "--out", in(r.dir, "out.txt")).expect(t, 0)
	if got := readFile(t, in(r.dir, "out.txt")); got != index {
		t.Errorf("%s\nis written as\n%s", index, got)
	}
	if got := readFile(t, in(r.dir, "out.txt.attr")); got != "unique_subject = no\n" {
		t.Errorf("the attributes are %q", got)
	}
	r.run(t, "revoke", "0a", "--reason", "aACompromise")
	r.run(t, "export", "--index").expect(t, 0, "1 certificates are written without their reason")
	ocsptest.WriteFile(t, r.dir, "index.txt", []byte(strings.ReplaceAll(index, "certificateHold", "superseded")))
	r.run(t, "import", file).expect(t, 0, "0 added, 3 were there, 1 changed (1 of them revoked, and they stay so)\n")
}

func TestABadSourceIsRefusedWhole(t *testing.T) {
	r := newRegistry(t)
	const good = "V\t370301120000Z\t\t0A\tunknown\t/CN=a\n"
	for text, want := range map[string]string{
		good + "V\t370301120000Z\t260201120000Z\t0B\tunknown\t/CN=b\n": "line 2: the record contradicts itself: its status is V and it has a revocation date; nothing is imported",
		good + "nonsense\n":                   "line 2: 1 fields, separated by tabs, in place of 6; nothing is imported",
		good + good[:20]:                      "line 2: the last line has no end",
		"0\x82\x01\x02":                       "not a CRL",
		string(ocsptest.CertPEM(r.leaf.Cert)): "`dwaar ca add` takes them",
	} {
		file := ocsptest.WriteFile(t, r.dir, "index.txt", []byte(text))
		r.run(t, "import", file).expect(t, 1, want)
	}
	if certs := r.listed(t); len(certs) != 0 {
		t.Errorf("%+v", certs)
	}
	r.run(t, "import", "/no/such").expect(t, 1, "no such file")
	r.run(t, "import", t.TempDir()).expect(t, 1, "has no certificate of "+r.ca.Cert.Subject.String())
}

func TestADirectoryIsTakenOver(t *testing.T) {
	r := newRegistry(t)
	dir := in(r.dir, "certs")
	if err := os.MkdirAll(in(dir, "below"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		cert := r.ca.Leaf(t).Cert
		ocsptest.WriteFile(t, dir, fmt.Sprintf("below/%d.pem", i), ocsptest.CertPEM(cert, r.ca.Cert))
		ocsptest.WriteFile(t, dir, fmt.Sprintf("%d.der", i), cert.Raw)
	}
	ocsptest.WriteFile(t, dir, "stranger.crt", ocsptest.CertPEM(ocsptest.NewCA(t).Leaf(t).Cert))
	ocsptest.WriteFile(t, dir, "key.pem", ocsptest.KeyPEM(t, r.leaf.Key, ocsptest.PKCS8))
	ocsptest.WriteFile(t, dir, "README", []byte("nothing"))
	r.run(t, "import", dir).expect(t, 0, "10 added, 10 were there\n", "certificates of other issuers were left out")
}

func TestACRLIsTakenOver(t *testing.T) {
	r := newRegistry(t)
	r.run(t, "add", r.leafFile)
	r.run(t, "revoke", r.leafFile, "--reason", "cessationOfOperation", "--at", "2026-02-01T12:00:00Z")
	crl := r.signCRL(t, "second.crl", "--der")
	r.db = "sqlite:" + in(r.dir, "other.db")
	r.run(t, "import", crl).expect(t, 0, "1 added", "those that are good are still unknown")
	if certs := r.listed(t); len(certs) != 1 || certs[0].Serial != r.serial || certs[0].Reason != "cessationOfOperation" || when(certs[0].RevokedAt) != "2026-02-01T12:00:00Z" {
		t.Errorf("%+v", certs)
	}
	r.issuer = r.file(t, "twin.pem", r.ca.Twin(t).Cert)
	r.run(t, "import", crl).expect(t, 1, "second.crl: ")
}

func (r *registry) signCRL(t *testing.T, name string, args ...string) string {
	t.Helper()
	key := ocsptest.WriteFile(t, r.dir, "ca.key", ocsptest.KeyPEM(t, r.ca.Key, ocsptest.PKCS8))
	r.run(t, "crl", append([]string{"--key", key, "--out", in(r.dir, name)}, args...)...).expect(t, 0, name+" lists ")
	return in(r.dir, name)
}

func TestOpenSSLBelievesTheCRL(t *testing.T) {
	r := newRegistry(t)
	other := r.ca.Leaf(t)
	r.run(t, "add", r.leafFile, r.file(t, "other.pem", other.Cert))
	r.run(t, "revoke", r.leafFile, "--reason", "privilegeWithdrawn")
	first, second := r.signCRL(t, "first.crl"), r.signCRL(t, "second.crl")
	roots := r.file(t, "roots.pem", r.ca.Root.Cert, r.ca.Cert)
	openssl := func(want string, args ...string) {
		t.Helper()
		out, _ := exec.CommandContext(t.Context(), "openssl", args...).CombinedOutput()
		if !strings.Contains(string(out), want) {
			t.Errorf("openssl %s does not say %q:\n%s", strings.Join(args, " "), want, out)
		}
	}
	verify := []string{"verify", "-CAfile", roots, "-partial_chain", "-crl_check", "-CRLfile", second}
	openssl("verify OK", "crl", "-in", second, "-noout", "-CAfile", roots)
	openssl("Privilege Withdrawn", "crl", "-in", second, "-noout", "-text")
	openssl("certificate revoked", append(verify, r.leafFile)...)
	openssl("other.pem: OK", append(verify, in(r.dir, "other.pem"))...)
	if a, b := number(t, first), number(t, second); a.Cmp(b) >= 0 {
		t.Errorf("the numbers are %v and %v", a, b)
	}
}

func number(t *testing.T, file string) *big.Int {
	t.Helper()
	block, _ := pem.Decode([]byte(readFile(t, file)))
	list, err := x509.ParseRevocationList(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return list.Number
}

func TestWrongCRLs(t *testing.T) {
	r := newRegistry(t)
	r.run(t, "add", r.leafFile)
	r.run(t, "crl", "--out", in(r.dir, "x.crl")).expect(t, 1, "ca.pem is not the private key of")
	key := ocsptest.WriteFile(t, r.dir, "leaf.key", ocsptest.KeyPEM(t, r.leaf.Key, ocsptest.PKCS8))
	r.run(t, "crl", "--key", key, "--out", in(r.dir, "x.crl")).expect(t, 1, "leaf.key is not the private key of")
	r.run(t, "crl", "--out", in(r.dir, "x.crl"), "--next-update", "1s").expect(t, 2, "valid for a minute at least")
	if _, err := os.Stat(in(r.dir, "x.crl")); err == nil {
		t.Error("there is a list")
	}
	both := append(ocsptest.CertPEM(r.ca.Cert), ocsptest.KeyPEM(t, r.ca.Key, ocsptest.PKCS8)...)
	r.issuer = ocsptest.WriteFile(t, r.dir, "both.pem", both)
	r.run(t, "crl", "--out", in(r.dir, "x.crl")).expect(t, 0, "x.crl lists 0 certificates, until 20")
	r.run(t, "crl", "--out", "/no/such/dir/x.crl").expect(t, 1, "/no/such/dir")
}

// Lines on a pipe, a bar on a terminal.
func TestProgressIsToldInLines(t *testing.T) {
	var out bytes.Buffer
	p := (&app{stderr: &out}).progress(200)
	p.at(100)
	if out.Len() != 0 {
		t.Errorf("at once: %q", out.String())
	}
	p.shown, p.began = p.shown.Add(-lineEvery), p.began.Add(-lineEvery)
	p.at(100)
	p.end()
	if got := out.String(); got != "100 of 200 (50%), 20 a second, 5s left\n" {
		t.Errorf("%q", got)
	}
	p.terminal, p.shown = true, p.shown.Add(-lineEvery)
	out.Reset()
	p.at(100)
	p.end()
	if got := out.String(); !strings.HasPrefix(got, "\r\x1b[K[###############               ] 100 of 200 (50%)") || !strings.HasSuffix(got, "\r\x1b[K") {
		t.Errorf("%q", got)
	}
}
