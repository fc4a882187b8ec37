package responder_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/responder"
)

func TestLoadFindsOutWhichSignerIsWhose(t *testing.T) {
	dir := t.TempDir()
	one, two := ocsptest.NewCA(t), ocsptest.NewCA(t, ocsptest.Name("two"))
	delegate := one.Delegate(t, ocsptest.Key(ocsptest.RSA))
	cert, key := delegate.Write(t, dir, "delegate")
	own, ownKey := (&ocsptest.Leaf{Cert: two.Cert, Key: two.Key}).Write(t, dir, "two")
	cfg := responder.Config{
		Issuers: []string{own, ocsptest.WriteFile(t, dir, "one.pem", ocsptest.CertPEM(one.Cert))},
		Signers: []responder.Pair{{Certificate: cert, Key: key}, {Certificate: own, Key: ownKey}},
	}
	keys, err := cfg.Load()
	if err != nil {
		t.Fatal(err)
	}
	if len(keys.Authorities) != 2 || keys.Requesters != nil {
		t.Fatalf("%d authorities, requesters %v", len(keys.Authorities), keys.Requesters)
	}
	if a := keys.Authorities[0]; !a.Issuer.Equal(two.Cert) || !a.Signer.Equal(two.Cert) {
		t.Errorf("the signer of two is %s", a.Signer.Subject)
	}
	if a := keys.Authorities[1]; !a.Issuer.Equal(one.Cert) || !a.Signer.Equal(delegate.Cert) {
		t.Errorf("the signer of one is %s", a.Signer.Subject)
	}
}

func TestLoadNamesEveryFileThatIsWrong(t *testing.T) {
	dir := t.TempDir()
	ca, other := ocsptest.NewCA(t), ocsptest.NewCA(t, ocsptest.Name("other"))
	cert, key := ca.Delegate(t).Write(t, dir, "first")
	again, againKey := ca.Delegate(t).Write(t, dir, "second")
	stranger, strangerKey := ocsptest.NewCA(t).Delegate(t).Write(t, dir, "stranger")
	cfg := responder.Config{
		Issuers: []string{
			ocsptest.WriteFile(t, dir, "ca.pem", ocsptest.CertPEM(ca.Cert)),
			ocsptest.WriteFile(t, dir, "other.pem", ocsptest.CertPEM(other.Cert)),
			ocsptest.WriteFile(t, dir, "empty.pem", nil), filepath.Join(dir, "absent.pem"),
		},
		Signers: []responder.Pair{
			{Certificate: cert, Key: key}, {Certificate: again, Key: againKey}, {Certificate: stranger, Key: strangerKey},
			{Certificate: cert, Key: againKey}, {Certificate: cert, Key: filepath.Join(dir, "absent.key")},
		},
		Requesters: []string{filepath.Join(dir, "clients.pem")},
	}
	_, err := cfg.Load()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"ca.pem: both " + cert + " and " + again + " are its signers", "other.pem: no signer is CN=other",
		"empty.pem holds no certificate", "absent.pem", "stranger.pem: CN=dwaar test responder is none of the issuers",
		"first.pem with key " + againKey, "absent.key", "requesters: ", "clients.pem",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q:\n%v", want, err)
		}
	}
	large := filepath.Join(dir, "large.pem")
	if err := os.WriteFile(large, make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (responder.Config{Issuers: []string{large}}).Load(); err == nil || !strings.Contains(err.Error(), "is larger than") {
		t.Errorf("large file: %v", err)
	}
}

func TestCheckRefusesByTheNameOfTheOption(t *testing.T) {
	err := responder.Config{
		Validity: 1, ArchiveCutoff: -1, Nonce: "maybe", Unissued: "good",
		Limits: responder.Limits{CertIDs: 65, CacheEntries: -1, CacheBytes: -1, Queue: -1, UnissuedRate: -1},
	}.Check()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"issuer: name", "signer: name", "validity: 1ns", "archive_cutoff: -1ns", `nonce: "maybe"`, `unissued: "good"`,
		"cert_ids: 65", "cache_entries: -1", "cache_bytes: -1", "queue: -1", "unissued_rate: -1",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q:\n%v", want, err)
		}
	}
}
