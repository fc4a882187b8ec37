package issuing_test

import (
	"slices"
	"strings"
	"testing"

	"dwaar/acme/issuing"
)

// Whatever is stored for a name, its keys lead back to it.
func TestEveryKeyLeadsBackToItsName(t *testing.T) {
	t.Parallel()
	ca := newFakeCA(t)
	ca.mintAddresses()
	p := issuing.Policy{Issuers: []issuing.IssuerConfig{{CA: issuing.Internal}}}
	for _, name := range []string{"shop.example.test", "*.example.test", "localhost", "192.0.2.7", "2001:db8::7", "::1", "a-b.x_y.test", "face--b00c", "why"} {
		dir := t.TempDir()
		full := fullStorage{openStorage(t, dir), "certificates/"}
		i := issuing.New(full, signer{ca}, logger(t), issuing.Options{})
		cert, err := i.Obtain(soon(t), p, name)
		if err != nil {
			t.Fatal(err)
		}
		pending := list(t, dir, "pending")
		if _, err := open(t, dir).Renew(soon(t), p, name, issuing.RenewOptions{}); err == nil {
			t.Error("a renewal without a local CA succeeded")
		}
		site := list(t, dir, "certificates")
		if err := open(t, dir).Quarantine(soon(t), cert, "revoked"); err != nil {
			t.Fatal(err)
		}
		away := list(t, dir, "quarantine")
		if len(pending) != 1 || len(site) != 3 || len(away) != 4 {
			t.Fatalf("%s: stored %v, %v and %v", name, pending, site, away)
		}
		for _, key := range append(append(pending, site...), away...) {
			got := issuing.NamesOf(key)
			if verdict := strings.HasSuffix(key, "why.json") && strings.HasPrefix(key, "quarantine/"); verdict != (len(got) == 0) || !verdict && !slices.Contains(got, name) {
				t.Errorf("NamesOf(%s) = %q; want %q", key, got, name)
			}
		}
	}
}

func TestOtherKeysAreAboutNoName(t *testing.T) {
	t.Parallel()
	for _, key := range []string{
		"", "certificates", "certificates/ca/a.example", "certificates/ca/a.example/b.example.crt", "certificates/ca/a.example/a.example.txt",
		"certificates/ca/a/b/a.crt", "certificates/ca//.crt", "pending/ca", "pending/ca/.json", "pending/ca/a.example", "pending/ca/a.example.crt",
		"quarantine/ca/1f/why.json", "quarantine/ca/1f", "acme/ca/users/default/default.key", "acme/ca/challenge_tokens/a.example.json", "ocsp/1f",
	} {
		if names := issuing.NamesOf(key); len(names) > 0 {
			t.Errorf("NamesOf(%q) = %q", key, names)
		}
	}
}
