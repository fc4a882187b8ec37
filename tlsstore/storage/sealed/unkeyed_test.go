package sealed_test

import (
	"errors"
	"io/fs"
	"testing"

	"dwaar/tlsstore/storage/sealed"
)

func TestWithoutAKeyWhatIsSealedIsNeitherReadNorMissing(t *testing.T) {
	below := files(t, t.TempDir())
	plain := sealed.Unkeyed(below)
	put(t, seal(t, below, sealed.Keys{Seal: key(t, 1)}), path, "secret")
	if value, err := plain.Load(t.Context(), path); !errors.Is(err, sealed.ErrNoKey) || errors.Is(err, fs.ErrNotExist) || value != nil {
		t.Errorf("Load of a sealed value = %q, %v; want ErrNoKey", value, err)
	}
	put(t, plain, path, "mine")
	if got := get(t, plain, path); got != "mine" {
		t.Errorf("Load of a value without a key = %q", got)
	}
	if _, err := plain.Load(t.Context(), "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Load of nothing: %v", err)
	}
}
