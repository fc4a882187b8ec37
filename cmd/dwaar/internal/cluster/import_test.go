package cluster_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"dwaar/cmd/dwaar/internal/cluster"
	"dwaar/tlsstore/storage"
	"dwaar/tlsstore/storage/sealed"
	"dwaar/tlsstore/storage/storagetest"
)

func TestAnImportIsWholeEncryptedAndGoesOn(t *testing.T) {
	from, memory := storagetest.NewMemory().Node(), storagetest.NewMemory()
	then := time.Now().Add(-time.Hour).Round(0)
	for i := range 5 {
		if err := from.Store(storage.ModifiedAt(t.Context(), then), fmt.Sprintf("certificates/ca/a/%d.key", i), []byte("PRIVATE KEY")); err != nil {
			t.Fatal(err)
		}
	}
	put(t, from, "pki/local/root.key", "PRIVATE KEY")
	put(t, from, "replica/data/pki/local/root.key", "not what dwaar has stored for itself")
	to := sealedBy(t, memory, key)
	_, err := cluster.Import(t.Context(), to, from, func(done, _ int) { memory.SetDown(done == 2) })
	if !errors.Is(err, storage.ErrUnavailable) || !strings.Contains(err.Error(), "after 2 of 6 values") {
		t.Errorf("an import through an outage: %v", err)
	}
	memory.SetDown(false)
	memory.TakeAway(memoryNode(to), "") // its lease has ended
	if _, err := cluster.Import(t.Context(), sealedBy(t, memory, other), from, ignore); !errors.Is(err, sealed.ErrKey) {
		t.Errorf("going on with another key: %v, want ErrKey", err)
	}
	again := sealedBy(t, memory, key)
	if n, err := cluster.Import(t.Context(), again, from, ignore); n != 4 || err != nil {
		t.Errorf("going on: %d, %v; want 4", n, err)
	}
	for path, text := range memory.Snapshot() {
		if strings.Contains(text, "PRIVATE") || strings.HasPrefix(path, "replica") || path == "importing" {
			t.Errorf("%s is %.30q", path, text)
		}
	}
	if value, err := again.Load(t.Context(), "pki/local/root.key"); string(value) != "PRIVATE KEY" || err != nil {
		t.Errorf("the root is %q, %v", value, err)
	}
	if info, err := again.Stat(t.Context(), "certificates/ca/a/4.key"); err != nil || !info.Modified.Equal(then) {
		t.Errorf("a value of %v is one of %v, %v", then, info.Modified, err)
	}
	before := memory.Snapshot()
	if _, err := cluster.Import(t.Context(), again, from, ignore); !errors.Is(err, cluster.ErrInUse) {
		t.Errorf("an import into what is in use: %v", err)
	}
	if _, err := cluster.Import(t.Context(), again, storagetest.NewMemory().Node(), ignore); !errors.Is(err, cluster.ErrNothing) {
		t.Errorf("an import of nothing: %v", err)
	}
	if !maps.Equal(before, memory.Snapshot()) || len(memory.Held()) > 0 {
		t.Errorf("a refused import has changed something, or keeps %v", memory.Held())
	}
}

func ignore(int, int) {}

func put(t *testing.T, s storage.Storage, path, value string) {
	t.Helper()
	if err := s.Store(t.Context(), path, []byte(value)); err != nil {
		t.Fatal(err)
	}
}

func sealedBy(t *testing.T, memory *storagetest.Memory, text string) *sealed.Storage {
	t.Helper()
	k, err := sealed.ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sealed.New(memory.Node(), sealed.Keys{Seal: k})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func memoryNode(s *sealed.Storage) *storagetest.Node { return s.Storage.(*storagetest.Node) }
