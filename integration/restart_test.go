package integration

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"dwaar/integration/internal/dwaar"
	"dwaar/integration/internal/pki"
	"dwaar/integration/internal/responder"
)

// S1: restarted with a dead responder, dwaar staples in the very first handshake, also
// when more than half of the response's life is over.
func TestRestartWithDeadResponderStaplesTheFirstHandshake(t *testing.T) {
	t.Parallel()
	for name, behave := range map[string]responder.Behaviour{
		"fresh": responder.Good, "past half-life": responder.PastHalfLife,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.OCSP.Behave(behave)
			h.site(h.leaf("restart.test"), "")
			h.start("", "")
			before := h.stapled("S1", "restart.test")
			h.Stop()
			h.OCSP.Down()
			h.Start()
			after := h.stapled("S1, restart with a dead responder", "restart.test")
			if string(before.Staple) != string(after.Staple) {
				t.Error("S5: the staple changed over the restart")
			}
		})
	}
}

// S1 with the responder of a private CA, killed before the restart.
func TestRestartAfterOpenSSLsResponderIsKilled(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	openssl := responder.NewOpenSSL(t, h.CA, "-ndays", "1")
	leaf := h.CA.Issue(t, pki.Request{Names: []string{"restart.test"}, OCSP: []string{openssl.URL()}})
	openssl.Add(leaf)
	openssl.Start()
	h.site(leaf, "")
	h.start("", "")
	h.stapled("S1, cold start", "restart.test")
	h.Stop()
	openssl.Stop()
	h.Start()
	h.stapled("S1, restart with a dead responder", "restart.test")
}

// S2, S8: openssl's responder handles one connection at a time and waits for its request;
// a connection that says nothing must not be left to it by dwaar.
func TestRevocationInOpenSSLsIndexIsNoticed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	openssl := responder.NewOpenSSL(t, h.CA, "-ndays", "1")
	leaf := h.CA.Issue(t, pki.Request{Names: []string{"index.test"}, OCSP: []string{openssl.URL()}})
	openssl.Add(leaf)
	openssl.Start()
	h.site(leaf, "")
	h.start("", "on_revoked serve")
	h.stapled("S1", "index.test")
	openssl.Stop()
	openssl.Revoke(leaf)
	openssl.Start()
	h.Do("ocsp", "refresh", "index.test")
	h.AwaitReason("index.test", "revoked", soon)
	shown := h.shake("index.test")
	if len(shown.Staple) != 0 {
		t.Error("S4: a revoked certificate is still stapled")
	}
}

// S14: whatever happened to the stored staples, dwaar starts, serves, and never staples
// anything it has not verified; with a live responder it is stapled again.
func TestDamagedStapleStore(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(t *testing.T, files []string){
		"corrupted": func(t *testing.T, files []string) {
			for _, file := range files {
				data := must(t)(os.ReadFile(file)).([]byte)
				for i := len(data) / 3; i < len(data)*2/3; i++ {
					data[i] ^= 0x55
				}
				pki.WriteFile(t, file, data)
			}
		},
		"truncated": func(t *testing.T, files []string) {
			for _, file := range files {
				must(t)(nil, os.Truncate(file, 20))
			}
		},
		"swapped": func(t *testing.T, files []string) {
			a, b := must(t)(os.ReadFile(files[0])).([]byte), must(t)(os.ReadFile(files[1])).([]byte)
			pki.WriteFile(t, files[0], b)
			pki.WriteFile(t, files[1], a)
		},
		"replaced by a file": func(t *testing.T, files []string) {
			dir := filepath.Dir(files[0])
			must(t)(nil, os.RemoveAll(dir))
			pki.WriteFile(t, dir, []byte("in the way"))
		},
		"a directory in place of each": func(t *testing.T, files []string) {
			for _, file := range files {
				must(t)(nil, os.Remove(file))
				must(t)(nil, os.Mkdir(file, 0o700))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.site(h.leaf("a.test"), "")
			h.site(h.leaf("b.test"), "")
			h.start("", "")
			h.stapled("S1", "a.test")
			h.stapled("S1", "b.test")
			h.Stop()
			damage(t, storedStaples(t, h))

			h.OCSP.Down()
			h.Start()
			for _, site := range []string{"a.test", "b.test"} {
				if shown := h.shake(site); len(shown.Staple) != 0 {
					t.Errorf("S14: %s: stapled from a damaged store: %v", site, shown.GoodStaple())
				}
			}
			h.Stop()

			h.OCSP.Up()
			h.Start()
			h.awaitStaple("S14", "a.test", true, soon)
			h.awaitStaple("S14", "b.test", true, soon)
		})
	}
}

// storedStaples lists the files in <data>/ocsp.
func storedStaples(t *testing.T, h *house) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(h.Data, "ocsp", "*"))
	if err != nil || len(files) != 2 {
		t.Fatalf("3.3: stored staples %v (%v), want two files", files, err)
	}
	return files
}

// S14: a staple that cannot be stored is used all the same, with a warning.
func TestUnwritableStoreStillStaples(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.site(h.leaf("a.test"), "")
	pki.WriteFile(t, filepath.Join(h.Data, "ocsp"), []byte("in the way")) // file modes do not bind root
	h.start("", "")
	h.stapled("S14", "a.test")
	h.awaitRecord("S14", "WARN", "store_error")
}

// 3.3: directories 0700, files 0600.
func TestStoredFilesArePrivate(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.site(h.leaf("a.test"), "")
	h.start("", "")
	h.stapled("S1", "a.test")
	h.Must("status")
	err := filepath.WalkDir(h.Data, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("3.3: %s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(h.Data, "admin.sock")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("3.3: admin socket: %v %v, want mode 0600", info, err)
	}
}

// S1: the response is there before the first client, so a cold start does not show one
// handshake without, and start_wait bounds what a dead responder costs.
func TestColdStartWithDeadResponderListensAfterStartWait(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.OCSP.Behave(responder.Hang)
	h.site(h.leaf("hang.test"), "")
	begin := time.Now()
	h.start("", "start_wait 1s")
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("S2: listening took %v with start_wait 1s and a responder that hangs", took)
	}
	if shown := h.shake("hang.test"); len(shown.Staple) != 0 {
		t.Error("S4: a staple from a responder that never answered")
	}
}

// S3: max_age after the last successful refresh ends a staple although its nextUpdate is far
// away. The time of that refresh is stored: a restart does not make the staple younger.
func TestMaxAgeEndsAStapleBeforeItsNextUpdate(t *testing.T) {
	t.Parallel()
	const maxAge = 8 * time.Second
	h := newHouse(t)
	h.site(h.leaf("age.test"), "")
	h.start("", "max_age 8s\n\t\trefresh_every 2s")
	h.stapled("S1", "age.test")
	h.OCSP.Down()
	refreshed := *must(t)(h.Certificate("age.test")).(dwaar.Certificate).Staple.LastRefresh
	h.Stop()
	time.Sleep(time.Until(refreshed.Add(maxAge / 2)))
	h.Start()
	h.stapled("S1, restart with a dead responder", "age.test")
	h.awaitStaple("S3, max_age", "age.test", false, soon)
	if age := time.Since(refreshed); age < maxAge || age > maxAge+3*time.Second {
		t.Errorf("S3: with max_age %v the staple ended %v after its last refresh", maxAge, age)
	}
	if c := must(t)(h.Certificate("age.test")).(dwaar.Certificate); c.Staple.State == "fresh" {
		t.Errorf("S3: status says %+v", c.Staple)
	}
	h.OCSP.Up()
	h.awaitStaple("S3, a refresh lengthens it again", "age.test", true, soon)
}
