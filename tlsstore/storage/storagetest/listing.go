package storagetest

import (
	"errors"
	"io/fs"
	"slices"
	"testing"
)

func listing(t *testing.T, b Backend) {
	t.Run("ListWalksPrefixesByComponent", func(t *testing.T) {
		s, again := b.Open(t)
		for _, key := range []string{"top", "a/1", "a/b/2", "a/b/c/3", "ab/4", "a.b"} {
			store(t, s, key, []byte(key))
		}
		for _, c := range []struct {
			prefix    string
			recursive bool
			want      []string
		}{
			{"", false, []string{"a", "a.b", "ab", "top"}},
			{"", true, []string{"a.b", "a/1", "a/b/2", "a/b/c/3", "ab/4", "top"}},
			{"a", false, []string{"a/1", "a/b"}},
			{"a/", true, []string{"a/1", "a/b/2", "a/b/c/3"}},
			{"a/b", true, []string{"a/b/2", "a/b/c/3"}},
			{"ab", true, []string{"ab/4"}},
		} {
			got, err := again().List(t.Context(), c.prefix, c.recursive)
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("List(%q, %v) = %q, %v; want %q", c.prefix, c.recursive, got, err, c.want)
			}
		}
	})

	t.Run("APrefixWithoutKeysIsNotThere", func(t *testing.T) {
		s, _ := b.Open(t)
		if got, err := s.List(t.Context(), "", true); err != nil || len(got) != 0 {
			t.Errorf("List of an empty storage = %q, %v", got, err)
		}
		store(t, s, "a/b/c", nil)
		if err := s.Delete(t.Context(), "a/b/c"); err != nil {
			t.Fatal(err)
		}
		for _, prefix := range []string{"a", "a/b", "a/b/c", "never"} {
			if got, err := s.List(t.Context(), prefix, false); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("List(%q) = %q, %v; want fs.ErrNotExist", prefix, got, err)
			}
			if exists(t, s, prefix) {
				t.Errorf("Exists(%q) without a key under it", prefix)
			}
		}
		if got, err := s.List(t.Context(), "", false); err != nil || len(got) != 0 {
			t.Errorf("List after the last delete = %q, %v", got, err)
		}
	})

	t.Run("AKeyIsNoPrefix", func(t *testing.T) {
		s, _ := b.Open(t)
		store(t, s, "a/key", nil)
		if got, err := s.List(t.Context(), "a/key", true); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("List of a key = %q, %v; want fs.ErrNotExist", got, err)
		}
	})
}
