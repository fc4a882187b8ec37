package sealed_test

import (
	"bytes"
	"errors"
	"io/fs"
	"testing"

	"dwaar/tlsstore/storage/sealed"
)

// What anybody writes into the storage is refused or is what was sealed there.
func FuzzLoad(f *testing.F) {
	const name, secret = "a/b", "what was sealed"
	f.Add([]byte(nil))
	f.Add([]byte("dwaar sealed 1\n"))
	f.Add([]byte("dwaar sealed 2\n0123456789"))
	f.Fuzz(func(t *testing.T, text []byte) {
		below := files(t, t.TempDir())
		s := seal(t, below, sealed.Keys{Seal: key(t, 1), Open: []sealed.Key{key(t, 2)}})
		put(t, s, name, secret)
		genuine := raw(t, below, name)
		for _, stored := range [][]byte{text, append(bytes.Clone(genuine[:23]), text...), append(bytes.Clone(genuine), text...)} {
			put(t, below, name, string(stored))
			value, err := s.Load(t.Context(), name)
			if bytes.Equal(stored, genuine) {
				if err != nil || string(value) != secret {
					t.Errorf("the genuine value: %q, %v", value, err)
				}
				continue
			}
			if err == nil || value != nil || errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%q opens as %q, %v", stored, value, err)
			}
		}
	})
}
