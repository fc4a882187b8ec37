package sealed_test

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"dwaar/tlsstore/storage"
	"dwaar/tlsstore/storage/sealed"
	"dwaar/tlsstore/storage/storagetest"
)

func TestMain(m *testing.M) { storagetest.Main(m) }

func TestASealedStorageIsAStorage(t *testing.T) {
	var dir string
	storagetest.Run(t, storagetest.Backend{
		Open: func(t *testing.T) (storage.Storage, func() storage.Storage) {
			dir = t.TempDir()
			again := func() storage.Storage { return seal(t, files(t, dir), sealed.Keys{Seal: key(t, 1)}) }
			return again(), again
		},
		DieHolding: func(t *testing.T, lock string) { storagetest.DieHolding(t, dir, lock) },
	})
}

const path = "certificates/ca/example.com/example.com.key"

func TestNothingOfAValueCanBeReadBelow(t *testing.T) {
	below := files(t, t.TempDir())
	s := seal(t, below, sealed.Keys{Seal: key(t, 1)})
	secret := strings.Repeat("-----BEGIN PRIVATE KEY-----", 10)
	put(t, s, path, secret)
	first := raw(t, below, path)
	put(t, s, path, secret)
	if second := raw(t, below, path); bytes.Contains(first, []byte("PRIVATE")) || bytes.Equal(first, second) {
		t.Error("the storage below tells something of the value, or that it was stored again unchanged")
	}
	if len(first) != len(secret)+sealed.Overhead {
		t.Errorf("%d bytes became %d, want %d more", len(secret), len(first), sealed.Overhead)
	}
}

func TestTheFirstKeySealsAndAllOpen(t *testing.T) {
	below := files(t, t.TempDir())
	put(t, seal(t, below, sealed.Keys{Seal: key(t, 1)}), path, "old")
	rotated := seal(t, below, sealed.Keys{Seal: key(t, 2), Open: []sealed.Key{key(t, 3), key(t, 1)}})
	if got := get(t, rotated, path); got != "old" {
		t.Errorf("with the old key as a further one: %q", got)
	}
	put(t, rotated, path, "new")
	if got := get(t, seal(t, below, sealed.Keys{Seal: key(t, 2)}), path); got != "new" {
		t.Errorf("with the new key alone: %q", got)
	}
	_, err := seal(t, below, sealed.Keys{Seal: key(t, 1)}).Load(t.Context(), path)
	if !errors.Is(err, sealed.ErrKey) || !strings.Contains(err.Error(), key(t, 2).ID()) {
		t.Errorf("with the old key alone: %v; want ErrKey and the ID of the key that is missing", err)
	}
}

func TestAValueThatIsNotEncryptedIsRefusedUnlessAllowed(t *testing.T) {
	below := files(t, t.TempDir())
	put(t, below, path, "from before")
	if _, err := seal(t, below, sealed.Keys{Seal: key(t, 1)}).Load(t.Context(), path); !errors.Is(err, sealed.ErrPlain) {
		t.Errorf("Load = %v, want ErrPlain", err)
	}
	migrating := seal(t, below, sealed.Keys{Seal: key(t, 1), Plaintext: true})
	if got := get(t, migrating, path); got != "from before" {
		t.Errorf("Load = %q where plaintext is allowed", got)
	}
	put(t, migrating, path, "from now on")
	if got := get(t, seal(t, below, sealed.Keys{Seal: key(t, 1)}), path); got != "from now on" {
		t.Errorf("after it was stored again: %q", got)
	}
	damaged := raw(t, below, path)
	damaged[len(damaged)-1]++
	put(t, below, path, string(damaged))
	if _, err := migrating.Load(t.Context(), path); !errors.Is(err, sealed.ErrDamaged) {
		t.Errorf("Load = %v where plaintext is allowed, want ErrDamaged for what begins as a sealed value", err)
	}
}

// Whoever can write to the storage must not be able to give one site the key of another, and a
// value that cannot be read must not look like one that is not there.
func TestAValueThatWasTamperedWithDoesNotOpen(t *testing.T) {
	below := files(t, t.TempDir())
	s := seal(t, below, sealed.Keys{Seal: key(t, 1)})
	put(t, s, path, "value")
	good := raw(t, below, path)
	flip := func(i int) []byte {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		return bad
	}
	type tampered struct {
		key   string
		value []byte
	}
	cases := map[string]tampered{
		"under another key": {"certificates/ca/other.example/other.example.key", good},
		"longer":            {path, append(bytes.Clone(good), 0)},
		"empty":             {path, nil},
	}
	for i := range good {
		cases["bit flipped"] = tampered{path, flip(i)}
		cases["cut off"] = tampered{path, good[:i]}
		for what, c := range cases {
			put(t, below, c.key, string(c.value))
			value, err := s.Load(t.Context(), c.key)
			known := errors.Is(err, sealed.ErrDamaged) || errors.Is(err, sealed.ErrKey) || errors.Is(err, sealed.ErrPlain)
			if value != nil || !known || errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s (%d): %q, %v", what, i, value, err)
			}
			if !strings.HasPrefix(err.Error(), "loading "+c.key+": the stored value is ") {
				t.Errorf("%s (%d): %v; want the path and what to do", what, i, err)
			}
		}
		delete(cases, "under another key") // once is enough
		delete(cases, "longer")
		delete(cases, "empty")
	}
}

func TestTheLimitOfAValueHoldsForWhatIsSealed(t *testing.T) {
	s := seal(t, files(t, t.TempDir()), sealed.Keys{Seal: key(t, 1)})
	most := make([]byte, storage.MaxValue-sealed.Overhead)
	if err := s.Store(t.Context(), "big", most); err != nil {
		t.Errorf("a value of MaxValue less Overhead: %v", err)
	}
	if info, err := s.Stat(t.Context(), "big"); err != nil || info.Size != int64(len(most)) {
		t.Errorf("Stat = %+v, %v", info, err)
	}
	if err := s.Store(t.Context(), "big", append(most, 0)); err == nil || !strings.Contains(err.Error(), "over the limit") {
		t.Errorf("one byte more: %v", err)
	}
}

func TestAStorageWithoutAKeyIsRefused(t *testing.T) {
	for _, keys := range []sealed.Keys{{}, {Open: []sealed.Key{key(t, 1)}}, {Seal: key(t, 1), Open: []sealed.Key{{}}}} {
		if _, err := sealed.New(files(t, t.TempDir()), keys); err == nil {
			t.Errorf("New with %v was accepted", keys)
		}
	}
}

func files(t *testing.T, dir string) *storage.FileSystem {
	t.Helper()
	s, err := storage.NewFileSystem(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func seal(t *testing.T, below storage.Storage, keys sealed.Keys) *sealed.Storage {
	t.Helper()
	s, err := sealed.New(below, keys)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t *testing.T, s storage.Storage, key, value string) {
	t.Helper()
	if err := s.Store(t.Context(), key, []byte(value)); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, s storage.Storage, key string) string {
	t.Helper()
	return string(raw(t, s, key))
}

func raw(t *testing.T, s storage.Storage, key string) []byte {
	t.Helper()
	value, err := s.Load(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return value
}
