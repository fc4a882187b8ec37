package issuing_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"dwaar/acme/issuing"
)

func quarantineOf(c *issuing.Certificate) string {
	return "quarantine/" + strings.ReplaceAll(c.Issuer, ":", "-") + "/" + c.Leaf.SerialNumber.Text(16)
}

func list(t *testing.T, dir, prefix string) []string {
	t.Helper()
	keys, err := openStorage(t, dir).List(t.Context(), prefix, true)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return keys
}

func TestAQuarantinedCertificateIsMovedAndNeverLoads(t *testing.T) {
	t.Parallel()
	ca, dir := newFakeCA(t), t.TempDir()
	i := open(t, dir)
	cert := obtain(t, i, policy(ca))
	for range 2 { // it is idempotent
		if err := i.Quarantine(soon(t), cert, "revoked: keyCompromise"); err != nil {
			t.Fatal(err)
		}
		if _, err := i.Load(t.Context(), policy(ca), name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Load = %v, want fs.ErrNotExist", err)
		}
	}
	if left := list(t, dir, "certificates"); len(left) != 0 {
		t.Errorf("files left: %v", left)
	}
	out := quarantineOf(cert)
	want := []string{out + "/" + name + ".crt", out + "/" + name + ".json", out + "/" + name + ".key", out + "/why.json"}
	if got := list(t, dir, "quarantine"); !slices.Equal(got, want) {
		t.Errorf("in quarantine: %v, want %v", got, want)
	}
	s := openStorage(t, dir)
	text, err := s.Load(t.Context(), out+"/why.json")
	var why struct{ Name, Issuer, Why string }
	if err := errors.Join(err, json.Unmarshal(text, &why)); err != nil || why.Why != "revoked: keyCompromise" || why.Name != name || why.Issuer != cert.Issuer {
		t.Errorf("why.json = %s, %v", text, err)
	}
	if key, err := s.Load(t.Context(), out+"/"+name+".key"); err != nil || string(key) != string(cert.KeyPEM) {
		t.Errorf("the key is not there: %v", err)
	}
	next, err := i.Renew(soon(t), policy(ca), name, issuing.RenewOptions{Replaces: cert})
	if err != nil || string(next.KeyPEM) == string(cert.KeyPEM) {
		t.Fatalf("Renew = %v, or it has the revoked key", err)
	}
	if orders := ca.ordered(); len(orders) != 2 || orders[1].replaces == "" {
		t.Errorf("orders %+v, want the second to replace the first", orders)
	}
}

// Who comes back from a backup, or a Caddy beside us, may put the files there again.
func TestAQuarantinedCertificateThatComesBackDoesNotLoad(t *testing.T) {
	t.Parallel()
	ca, dir := newFakeCA(t), t.TempDir()
	i := open(t, dir)
	cert := obtain(t, i, policy(ca))
	if err := i.Quarantine(soon(t), cert, "revoked"); err != nil {
		t.Fatal(err)
	}
	site := "certificates/" + strings.ReplaceAll(cert.Issuer, ":", "-") + "/" + name + "/" + name
	write(t, dir, map[string][]byte{site + ".crt": cert.CertPEM, site + ".key": cert.KeyPEM})
	if _, err := i.Load(t.Context(), policy(ca), name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Load = %v", err)
	}
	if next := obtain(t, i, policy(ca)); next.Leaf.Equal(cert.Leaf) {
		t.Error("it was obtained from storage")
	}
}

func TestQuarantineLeavesWhatHasReplacedTheCertificate(t *testing.T) {
	t.Parallel()
	ca, dir := newFakeCA(t), t.TempDir()
	i := open(t, dir)
	old := obtain(t, i, policy(ca))
	next, err := i.Renew(soon(t), policy(ca), name, issuing.RenewOptions{Replaces: old})
	if err != nil {
		t.Fatal(err)
	}
	if err := i.Quarantine(soon(t), old, "revoked"); err != nil {
		t.Fatal(err)
	}
	if loaded, err := i.Load(t.Context(), policy(ca), name); err != nil || !loaded.Leaf.Equal(next.Leaf) {
		t.Errorf("Load = %v, want the replacement", err)
	}
	if got := list(t, dir, quarantineOf(old)); len(got) != 3 {
		t.Errorf("the evidence is %v, want the pair and why.json", got)
	}
}

// The name is that of the verdict's file, which stays what it is.
func TestTheMetadataOfTheNameWhyIsNotTakenForTheVerdict(t *testing.T) {
	t.Parallel()
	ca, dir := newFakeCA(t), t.TempDir()
	ca.mintAddresses()
	p := issuing.Policy{Issuers: []issuing.IssuerConfig{{CA: issuing.Internal}}}
	i := issuing.New(openStorage(t, dir), signer{ca}, logger(t), issuing.Options{})
	cert, err := i.Obtain(soon(t), p, "why")
	if err != nil {
		t.Fatal(err)
	}
	if err := i.Quarantine(soon(t), cert, "revoked"); err != nil {
		t.Fatal(err)
	}
	out := quarantineOf(cert)
	if got, want := list(t, dir, "quarantine"), []string{out + "/_why.json", out + "/why.crt", out + "/why.json", out + "/why.key"}; !slices.Equal(got, want) {
		t.Errorf("in quarantine: %v, want %v", got, want)
	}
	text, err := openStorage(t, dir).Load(t.Context(), out+"/why.json")
	var why struct{ Why string }
	if err := errors.Join(err, json.Unmarshal(text, &why)); err != nil || why.Why != "revoked" {
		t.Errorf("why.json = %s, %v", text, err)
	}
}
