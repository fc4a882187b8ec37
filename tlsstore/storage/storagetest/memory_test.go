package storagetest_test

import (
	"testing"

	"dwaar/tlsstore/storage"
	"dwaar/tlsstore/storage/storagetest"
)

// What other tests lean on behaves as the real ones.
func TestMemoryIsAStorage(t *testing.T) {
	var m *storagetest.Memory
	storagetest.Run(t, storagetest.Backend{
		Open: func(*testing.T) (storage.Storage, func() storage.Storage) {
			m = storagetest.NewMemory()
			return m.Node(), func() storage.Storage { return m.Node() }
		},
		DieHolding: func(t *testing.T, lock string) {
			dying := m.Node()
			if err := dying.Lock(t.Context(), lock); err != nil {
				t.Fatal(err)
			}
			m.TakeAway(dying, "")
		},
	})
}
