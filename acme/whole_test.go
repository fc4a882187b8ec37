package acme_test

import (
	"io/fs"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/acme"
	"dwaar/acme/issuing"
	"dwaar/acme/localca"
	"dwaar/tlsstore/storage"
)

var _ acme.Issuer = (*issuing.Issuing)(nil)

// The whole wing without a network: the local CA issues, files are files.
func TestTheLocalCAIssuesRenewsAndReplaces(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		files, err := storage.NewFileSystem(dir)
		if err != nil {
			t.Fatal(err)
		}
		log := newBook(t).Logger
		issuer := issuing.New(files, localca.New(files, log), log, issuing.Options{})
		local := acme.Policy{Names: []string{"localhost", "10.0.0.1", "::1", "*.internal"}, Issuers: []issuing.IssuerConfig{{CA: issuing.Internal}}}
		n := start(t, acme.Config{Policies: []acme.Policy{local}}, issuer)
		time.Sleep(10 * time.Second)
		first := map[string]string{}
		for _, name := range local.Names {
			s := n.wantState(t, "at the start", name, acme.Valid)
			first[name] = s.Serial
			if s.Source != acme.SourceInternal {
				t.Errorf("source = %q, want internal", s.Source)
			}
		}
		n.Revoked(n.leaf(t, nil, "localhost"), revoked())
		time.Sleep(10 * time.Second)
		if n.wantState(t, "after the revocation", "localhost", acme.Valid).Serial == first["localhost"] {
			t.Error("localhost was not replaced")
		}
		if away, _ := filepath.Glob(filepath.Join(dir, "quarantine", "local", "*", "localhost.key")); len(away) != 1 {
			t.Errorf("in quarantine: %v, want the revoked key", away)
		}
		if err := n.Reissue(t.Context(), "*.internal"); err != nil {
			t.Error(err)
		}
		for range 16 { // longer than an intermediate lives
			time.Sleep(12 * time.Hour)
			for _, name := range local.Names {
				n.wantState(t, "in the course of 8 days", name, acme.Valid)
			}
		}
		for _, name := range local.Names {
			if n.serial(name) == first[name] {
				t.Errorf("%s was not renewed in 8 days", name)
			}
		}
		served := n.serial("10.0.0.1")
		n.stop()
		again := start(t, acme.Config{Policies: []acme.Policy{local}}, issuer)
		if again.serial("10.0.0.1") != served {
			t.Error("a restart serves something else")
		}
	})
	locks := 0
	filepath.WalkDir(filepath.Join(dir, ".locks"), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			locks++
		}
		return nil
	})
	if locks != 0 {
		t.Errorf("%d locks are left", locks)
	}
}
