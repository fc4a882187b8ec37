package crl_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/crl"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/tlsstore/storage"
)

// opensslCA is a CA that `openssl ca` runs.
type opensslCA struct {
	t   *testing.T
	dir string
}

func newOpensslCA(t *testing.T, ca *ocsptest.CA, extensions string) *opensslCA {
	t.Helper()
	dir := t.TempDir()
	config := fmt.Sprintf("[ca]\ndefault_ca = this\n[this]\ndatabase = %[1]s/index.txt\ncertificate = %[1]s/ca.pem\n"+
		"private_key = %[1]s/ca.key\ndefault_md = sha256\ndefault_crl_days = 7\nunique_subject = no\n", dir)
	if extensions != "" {
		config += fmt.Sprintf("crlnumber = %s/crlnumber\ncrl_extensions = crl_ext\n[crl_ext]\n%s\n", dir, extensions)
	}
	for name, content := range map[string]string{
		"openssl.cnf": config, "index.txt": "", "crlnumber": "1000\n",
		"ca.pem": string(ocsptest.CertPEM(ca.Cert)), "ca.key": string(ocsptest.KeyPEM(t, ca.Key, ocsptest.PKCS8)),
	} {
		ocsptest.WriteFile(t, dir, name, []byte(content))
	}
	return &opensslCA{t, dir}
}

func (o *opensslCA) run(args ...string) {
	o.t.Helper()
	args = append([]string{"ca", "-config", filepath.Join(o.dir, "openssl.cnf")}, args...)
	if out, err := exec.CommandContext(o.t.Context(), "openssl", args...).CombinedOutput(); err != nil {
		o.t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func (o *opensslCA) revoke(leaf *ocsptest.Leaf, reason string) {
	o.t.Helper()
	o.run("-revoke", ocsptest.WriteFile(o.t, o.dir, "leaf.pem", ocsptest.CertPEM(leaf.Cert)), "-crl_reason", reason)
}

// list is what `openssl ca -gencrl` writes.
func (o *opensslCA) list(args ...string) []byte {
	o.t.Helper()
	out := filepath.Join(o.dir, "crl.pem")
	o.run(append([]string{"-gencrl", "-out", out}, args...)...)
	pem, err := os.ReadFile(out)
	if err != nil {
		o.t.Fatal(err)
	}
	return pem
}

func TestTheListsOfOpenSSLAreRead(t *testing.T) {
	const v2 = "authorityKeyIdentifier = keyid:always"
	for name, c := range map[string]struct {
		kind       ocsptest.KeyType
		extensions string
		args       []string
		reason     string
		want       ocspsvc.RevocationReason
	}{
		"ECDSA":                      {ocsptest.P256, v2, nil, "keyCompromise", ocspsvc.KeyCompromise},
		"RSA":                        {ocsptest.RSA, v2, nil, "superseded", ocspsvc.Superseded},
		"RSA-PSS":                    {ocsptest.RSA, v2, []string{"-sigopt", "rsa_padding_mode:pss"}, "superseded", ocspsvc.Superseded},
		"P-384":                      {ocsptest.P384, v2, nil, "unspecified", ocspsvc.Unspecified},
		"version 1":                  {ocsptest.P256, "", nil, "unspecified", ocspsvc.Unspecified},
		"hold":                       {ocsptest.P256, v2, nil, "certificateHold", ocspsvc.CertificateHold},
		"issuing distribution point": {ocsptest.P256, v2 + "\nissuingDistributionPoint = critical, @idp\n[idp]\nfullname = URI:" + url1 + "\nonlyuser = TRUE", nil, "keyCompromise", ocspsvc.KeyCompromise},
	} {
		t.Run(name, func(t *testing.T) {
			ca := ocsptest.NewCA(t, ocsptest.Key(c.kind))
			leaf, other := ca.Leaf(t, at(url1)), ca.Leaf(t, at(url1))
			o := newOpensslCA(t, ca, c.extensions)
			o.revoke(leaf, c.reason)
			list, err := crl.Read(o.list(c.args...), ca.Cert)
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := list.Find(leaf.Cert.SerialNumber); !ok || got.Reason != c.want || time.Since(got.RevokedAt).Abs() > time.Minute {
				t.Errorf("revoked: %+v, %v", got, ok)
			}
			if _, ok := list.Find(other.Cert.SerialNumber); ok || list.Current(time.Now()) != nil {
				t.Errorf("not revoked: %v, %v", ok, list.Current(time.Now()))
			}
		})
	}
}

// In real time, over a real disk: what a private CA without any other tool has.
func TestARevocationByOpenSSLIsNoticedAndKeptOnDisk(t *testing.T) {
	b := setUp(t, crl.Config{})
	leaf, other := b.leaf(), b.leaf()
	o := newOpensslCA(t, b.ca, "authorityKeyIdentifier = keyid:always")
	o.revoke(leaf, "keyCompromise")
	b.one.serve(o.list())
	files, err := storage.NewFileSystem(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	open := func() {
		t.Helper()
		b.restart()
		if b.watcher, err = crl.New(b.cfg, b.catalog, b.network.guard(), files, b.catalog, b.book.Log); err != nil {
			t.Fatal(err)
		}
	}
	open()
	b.run()
	for end := time.Now().Add(10 * time.Second); b.status(other).State != crl.Good && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	b.wants("revoked", leaf, crl.Revoked, ocspsvc.ReasonRevoked)
	b.wants("the other", other, crl.Good, ocspsvc.ReasonGood)
	b.network.Unplug("8.8.8.8:80")
	open()
	b.load()
	b.wants("revoked, after a restart", leaf, crl.Revoked, ocspsvc.ReasonRevoked)
	b.wants("the other, after a restart", other, crl.Good, ocspsvc.ReasonGood)
}
