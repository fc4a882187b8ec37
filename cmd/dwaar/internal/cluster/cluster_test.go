package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dwaar/cmd/dwaar/internal/cluster"
	"dwaar/secret"
	"dwaar/tlsstore/storage"
	"dwaar/tlsstore/storage/redis"
	"dwaar/tlsstore/storage/sealed"
)

const (
	key   = "S6mBqHeWHvQ7ZaWJyO5k6mU3Qe1pZ0y3p2f8o0f1c2E="
	other = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
)

func TestCheckFindsEverythingThatIsWrongAndTellsNoSecret(t *testing.T) {
	file := filepath.Join(t.TempDir(), "storage.key")
	if err := os.WriteFile(file, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DWAAR_TEST_KEY", key+"\n")
	wrong := cluster.Config{
		Redis:          redis.Config{URL: "env:DWAAR_NOT_SET", TLS: redis.TLS{CAFile: "/nowhere/ca.pem"}},
		EncryptionKeys: []secret.Value{"env:DWAAR_TEST_KEY", "hunter2", secret.Value("file:" + file), "file:/nowhere/key", "env:DWAAR_NOT_SET"},
	}
	err := wrong.Check()
	if err == nil {
		t.Fatal("nothing is wrong")
	}
	lines := strings.Split(err.Error(), "\n")
	for i, want := range []string{
		"url: env:DWAAR_NOT_SET: ", "tls: ca: open /nowhere/ca.pem", "encryption_key: 2: ", "encryption_key: 3: file:" + file,
		"encryption_key: 4: open /nowhere/key", "encryption_key: 5: env:DWAAR_NOT_SET: ",
	} {
		if i >= len(lines) || !strings.HasPrefix(lines[i], want) {
			t.Errorf("line %d is not %s…:\n%v", i+1, want, err)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a secret is told: %v", err)
	}
	if _, err := cluster.Open(wrong, t.TempDir(), quiet()); err == nil {
		t.Error("it is opened all the same")
	}
	if _, _, err := cluster.Direct(wrong); err == nil {
		t.Error("it is opened all the same, for a moment")
	}
	right := cluster.Config{Redis: redis.Config{URL: "redis://127.0.0.1:1"}, EncryptionKeys: []secret.Value{"env:DWAAR_TEST_KEY", other}}
	if err := right.Check(); err != nil {
		t.Error(err)
	}
}

// What is owed to a storage that is down is in the copy, encrypted, and the next
// process has it.
func TestTheCopyOutlivesAProcessAndIsEncrypted(t *testing.T) {
	data := t.TempDir()
	first := down(t, data, key)
	const answer = "ocsp/a staple"
	if err := first.Store(t.Context(), answer, []byte("in plain text")); err != nil {
		t.Fatal(err)
	}
	if err := first.Store(t.Context(), "certificates/ca/a/a.key", nil); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("Store of a key = %v, want ErrUnavailable", err)
	}
	if s := first.Status(); s.Up || s.Owed != 1 || s.Error == "" || strings.Contains(fmt.Sprint(s), "hunter2") || !strings.HasPrefix(s.Address, "redis://") {
		t.Errorf("Status = %+v", s)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	copied, err := os.ReadFile(filepath.Join(data, cluster.Replica, "data", answer))
	if err != nil || strings.Contains(string(copied), "plain") {
		t.Errorf("the copy holds %q, %v", copied, err)
	}
	second := down(t, data, other, key)
	if got, err := second.Load(t.Context(), answer); string(got) != "in plain text" || err != nil {
		t.Errorf("after a restart with another key, too: %q, %v", got, err)
	}
	third := down(t, data, other)
	if _, err := third.Load(t.Context(), answer); !errors.Is(err, sealed.ErrKey) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without the key: %v", err)
	}
}

func TestAStorageThatIsDownIsNoErrorOfAStart(t *testing.T) {
	c := down(t, t.TempDir(), key)
	if err := c.Connect(t.Context()); err != nil {
		t.Errorf("Connect = %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	stop()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("Run does not end")
	}
}

// down is a cluster whose storage nobody listens at.
func down(t *testing.T, data string, keys ...secret.Value) *cluster.Cluster {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	c, err := cluster.Open(cluster.Config{Redis: redis.Config{URL: redis.URL("redis://:hunter2@" + ln.Addr().String())}, EncryptionKeys: keys}, data, quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
