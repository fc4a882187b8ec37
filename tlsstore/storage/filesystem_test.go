package storage_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dwaar/tlsstore/storage"
	"dwaar/tlsstore/storage/storagetest"
)

func TestFileSystemIsAStorage(t *testing.T) {
	var dir string
	storagetest.Run(t, storagetest.Backend{
		Open: func(t *testing.T) (storage.Storage, func() storage.Storage) {
			dir = t.TempDir()
			again := func() storage.Storage { return open(t, dir) }
			return again(), again
		},
		DieHolding: func(t *testing.T, lock string) {
			kill(t, start(t, "hold", dir, lock))
		},
	})
}

func TestOnlyTheOwnerReadsWhatIsStored(t *testing.T) {
	root := filepath.Join(t.TempDir(), "new", "data")
	s := open(t, root)
	if err := s.Store(t.Context(), "certificates/ca/name/name.key", []byte("secret")); err != nil {
		t.Fatal(err)
	}
	if err := s.Lock(t.Context(), "lock"); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(filepath.Dir(root), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if want := map[bool]fs.FileMode{true: 0o700, false: 0o600}[d.IsDir()]; err == nil && info.Mode().Perm() != want {
			t.Errorf("%s has mode %o, want %o", path, info.Mode().Perm(), want)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestNewSaysWhyADirectoryCannotBeUsed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below")} {
		_, err := storage.NewFileSystem(dir)
		if err == nil || !strings.Contains(err.Error(), "opening storage "+dir) {
			t.Errorf("NewFileSystem(%s) = %v", dir, err)
		}
	}
}

// An operator who removes the directory under a running dwaar loses what was in it, and no more.
func TestStoreMakesItsDirectoryAgain(t *testing.T) {
	root := filepath.Join(t.TempDir(), "data")
	s := open(t, root)
	if err := os.RemoveAll(root); err != nil {
		t.Fatal(err)
	}
	if _, err := s.List(t.Context(), "", true); err != nil {
		t.Errorf("List without a directory = %v", err)
	}
	if err := s.Store(t.Context(), "a/b", []byte("v")); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Load(t.Context(), "a/b"); string(got) != "v" || err != nil {
		t.Errorf("Load = %q, %v", got, err)
	}
}

func TestErrorsNameTheKey(t *testing.T) {
	s := open(t, t.TempDir())
	if err := s.Store(t.Context(), "a", nil); err != nil {
		t.Fatal(err)
	}
	_, loadErr := s.Load(t.Context(), "b")
	_, statErr := s.Stat(t.Context(), "b")
	_, listErr := s.List(t.Context(), "b", false)
	for want, err := range map[string]error{
		"storing a/b: ":                          s.Store(t.Context(), "a/b", nil),
		"storing x: value of 67108865 bytes":     s.Store(t.Context(), "x", make([]byte, storage.MaxValue+1)),
		`storing /x: key "/x" is an absolute pa`: s.Store(t.Context(), "/x", nil),
		"storing : the key is empty":             s.Store(t.Context(), "", nil),
		`deleting ..: key ".." has a component`:  s.Delete(t.Context(), ".."),
		"deleting x\x00: key \"x\\x00\" contain": s.Delete(t.Context(), "x\x00"),
		"loading b: ":                            loadErr,
		"describing b: ":                         statErr,
		`listing "b": `:                          listErr,
		"unlocking x: lock is not held":          s.Unlock(t.Context(), "x"),
		`locking : the name is empty`:            s.Lock(t.Context(), ""),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error %v, want %s…", err, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, seed := range []string{"", "a/b", "../x", "/a", "a//b/", "a\x00", "./a", "..."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, key string) {
		clean, err := storage.Clean(key)
		if err != nil {
			return
		}
		if clean != "" && !filepath.IsLocal(clean) {
			t.Errorf("Clean(%q) = %q, which leaves the root", key, clean)
		}
		if again, err := storage.Clean(clean); err != nil || again != clean {
			t.Errorf("Clean(%q) = %q, %v; cleaning is not stable", clean, again, err)
		}
	})
}

func open(t *testing.T, dir string) *storage.FileSystem {
	t.Helper()
	s, err := storage.NewFileSystem(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
