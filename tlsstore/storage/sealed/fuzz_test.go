package sealed_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"testing"

	"dwaar/tlsstore/storage"
	"dwaar/tlsstore/storage/sealed"
)

// one is a storage of one value.
type one struct {
	storage.Storage
	value []byte
}

func (o *one) Store(_ context.Context, _ string, value []byte) error {
	o.value = bytes.Clone(value)
	return nil
}

func (o *one) Load(context.Context, string) ([]byte, error) { return bytes.Clone(o.value), nil }

// What anybody writes into the storage is refused or is what was sealed there.
func FuzzLoad(f *testing.F) {
	const name, secret = "a/b", "what was sealed"
	f.Add([]byte(nil))
	f.Add([]byte("dwaar sealed 1\n"))
	f.Add([]byte("dwaar sealed 2\n0123456789"))
	f.Fuzz(func(t *testing.T, text []byte) {
		below := &one{}
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
