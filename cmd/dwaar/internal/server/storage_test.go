package server_test

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dwaar/cmd/dwaar/internal/server"
	"dwaar/ocspsvc/ocsptest"
)

// silent accepts connections, and answers none if they are to hang.
type silent struct {
	address string
	asked   atomic.Int32
}

func newSilent(t *testing.T) *silent {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &silent{address: ln.Addr().String()}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			s.asked.Add(1)
			t.Cleanup(func() { conn.Close() })
		}
	}()
	return s
}

// share writes a Dwaarfile whose storage is at a Redis.
func (h *house) share(t *testing.T, redis string, sites ...string) {
	t.Helper()
	h.write(t, "\tstorage redis "+redis, "", sites...)
}

// copied has a dwaar run before whose copy of a shared storage has everything.
func copied(t *testing.T) (h *house, leaf *ocsptest.Leaf, staple []byte) {
	t.Helper()
	h = newHouse(t)
	leaf = h.leaf(t, "a.example")
	h.write(t, "\tstorage file_system data/replica/data", "", "a.example")
	_, stop := h.start(t)
	staple = h.stapled(t, "a.example", leaf)
	stop()
	h.responder.Set(ocsptest.Hang)
	return h, leaf, staple
}

// S1 on a cluster: nothing but the copy on the own disk is there.
func TestFirstHandshakeIsStapledWhileTheSharedStorageIsDown(t *testing.T) {
	h, leaf, want := copied(t)
	h.share(t, "redis://:hunter2@127.0.0.1:"+freePort(t), "a.example")
	before := h.responder.Count()
	h.start(t)
	if got := h.stapled(t, "a.example", leaf); !bytes.Equal(got, want) || h.responder.Count() != before {
		t.Errorf("the copy's staple is not used; the responder was asked %d times", h.responder.Count()-before)
	}
	s := h.status(t)
	if s.Storage == nil || s.Storage.State != "down" || s.Storage.Error == "" || s.Storage.Since.IsZero() {
		t.Errorf("status says of the storage %+v", s.Storage)
	}
	if ready := string(h.admin(t, "GET", "/readyz")); !s.Ready || ready != "ready\n" {
		t.Errorf("a node that serves is not ready: %s", ready)
	}
	if metrics := string(h.admin(t, "GET", "/metrics")); !strings.Contains(metrics, "\ndwaar_storage_") {
		t.Errorf("the storage counts nothing:\n%s", metrics)
	}
	if shown := h.log.String() + string(h.admin(t, "GET", "/status")); strings.Contains(shown, "hunter2") {
		t.Errorf("the password is shown:\n%s", shown)
	}
}

// S2 on a cluster: a storage that accepts and hangs.
func TestASharedStorageThatHangsDelaysAStartAndAStopBySeconds(t *testing.T) {
	h, leaf, _ := copied(t)
	redis := newSilent(t)
	h.share(t, "redis://"+redis.address, "a.example")
	began := time.Now()
	_, stop := h.start(t)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the start took %v", took)
	}
	h.stapled(t, "a.example", leaf)
	began = time.Now()
	stop()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the stop took %v", took)
	}
	if redis.asked.Load() == 0 {
		t.Error("the storage was never asked")
	}
}

func TestAReloadCannotChangeASharedStorage(t *testing.T) {
	h := newHouse(t)
	h.leaf(t, "a.example")
	const key, other = "S6mBqHeWHvQ7ZaWJyO5k6mU3Qe1pZ0y3p2f8o0f1c2E=", "T6mBqHeWHvQ7ZaWJyO5k6mU3Qe1pZ0y3p2f8o0f1c2E="
	redis := "redis://127.0.0.1:" + freePort(t)
	h.share(t, redis+" {\n\t\tencryption_key "+key+"\n\t}", "a.example")
	srv, _ := h.start(t)
	if err := srv.Reload(t.Context()); err != nil {
		t.Errorf("the same storage is refused: %v", err)
	}
	for _, changed := range []string{
		redis, redis + "/1 {\n\t\tencryption_key " + key + "\n\t}", redis + " {\n\t\tencryption_key " + other + " " + key + "\n\t}",
		redis + " {\n\t\tencryption_key " + key + "\n\t\tkey_prefix web:\n\t}",
	} {
		h.share(t, changed, "a.example")
		if err := srv.Reload(t.Context()); err == nil || err.Error() != "storage: a reload cannot change it, restart dwaar" {
			t.Errorf("%s: Reload = %v", changed, err)
		}
	}
	h.write(t, "", "", "a.example")
	if err := srv.Reload(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "storage: ") {
		t.Errorf("files instead: Reload = %v", err)
	}
}

func TestCheckReadsWhatASharedStorageNeedsAndOpensNoConnection(t *testing.T) {
	h, redis := newHouse(t), newSilent(t)
	h.leaf(t, "a.example")
	ocsptest.WriteFile(t, h.dir, "storage.key", []byte("hunter2\n"))
	h.share(t, "rediss://"+redis.address+" {\n\t\ttls {\n\t\t\tca none.pem\n\t\t\tcert a.example.pem none.key\n\t\t}\n\t\tencryption_key file:storage.key env:DWAAR_NOT_SET\n\t}", "a.example")
	_, err := server.Check(filepath.Join(h.dir, "Dwaarfile"))
	if err == nil {
		t.Fatal("no error for files that are not there")
	}
	expectLines(t, "problems", strings.Split(err.Error(), "\n"),
		":7:7: storage: tls: ca: ", ":10:18: storage: encryption_key: ", ":10:35: storage: encryption_key: ")
	if strings.Contains(err.Error(), "hunter2") || redis.asked.Load() != 0 || exists(h.data()) {
		t.Errorf("checking tells a key, asks the storage or makes its copy: %v", err)
	}
}

func TestADwaarfileThatEverybodyReadsIsWarnedOfIfItHasSecrets(t *testing.T) {
	h := newHouse(t)
	h.leaf(t, "a.example")
	path := filepath.Join(h.dir, "Dwaarfile")
	const secrets = "redis://:hunter2@127.0.0.1:1 {\n\t\tencryption_key S6mBqHeWHvQ7ZaWJyO5k6mU3Qe1pZ0y3p2f8o0f1c2E=\n\t}"
	t.Setenv("DWAAR_TEST_PASSWORD", "hunter2")
	const key = "S6mBqHeWHvQ7ZaWJyO5k6mU3Qe1pZ0y3p2f8o0f1c2E="
	for name, mode := range map[string]os.FileMode{"open.key": 0o644, "secret.key": 0o600} {
		if err := os.WriteFile(filepath.Join(h.dir, name), []byte(key), mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		redis string
		mode  os.FileMode
		want  []string
	}{
		{secrets, 0o644, []string{":5:16: storage: everybody on this machine can read the password", ":6:18: storage: everybody on this machine can read the encryption key"}},
		{secrets, 0o640, nil},
		{"redis://:{env.DWAAR_TEST_PASSWORD}@127.0.0.1:1", 0o644, nil},
		{"redis://127.0.0.1:1", 0o644, nil},
		{"redis://127.0.0.1:1 {\n\t\tencryption_key file:open.key file:secret.key\n\t}", 0o644, []string{":6:18: storage: everybody on this machine can read the encryption key: chmod o-r "}},
	} {
		h.share(t, test.redis, "a.example")
		if err := os.Chmod(path, test.mode); err != nil {
			t.Fatal(err)
		}
		warnings, err := server.Check(path)
		if err != nil {
			t.Fatal(err)
		}
		expectLines(t, test.redis, warnings, test.want...)
	}
}
