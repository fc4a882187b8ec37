package storagetest

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
)

// certificateKeys are shaped like certmagic's, which later live in the same storage.
var certificateKeys = []string{
	"acme/acme-v02.api.letsencrypt.org-directory/users/me@example.com/me.json",
	"certificates/acme-v02.api.letsencrypt.org-directory/wildcard_.example.com/wildcard_.example.com.crt",
	"certificates/acme-v02.api.letsencrypt.org-directory/wildcard_.example.com/wildcard_.example.com.key",
	"certificates/local/ünïcode.example/ünïcode.example.json",
}

func keys(t *testing.T, b Backend) {
	t.Run("EveryFormOfAKeyIsTheSameKey", func(t *testing.T) {
		s, _ := b.Open(t)
		store(t, s, "a//b/", []byte("v"))
		for _, key := range []string{"a/b", "a/b/", "a///b"} {
			if got := load(t, s, key); string(got) != "v" {
				t.Errorf("Load(%q) = %q", key, got)
			}
		}
	})

	t.Run("CertificateKeysWork", func(t *testing.T) {
		s, _ := b.Open(t)
		for _, key := range certificateKeys {
			store(t, s, key, []byte(key))
		}
		got, err := s.List(t.Context(), "", true)
		if err != nil || !slices.Equal(got, certificateKeys) {
			t.Errorf("List = %q, %v; want %q", got, err, certificateKeys)
		}
	})

	t.Run("AKeyThatCouldLeaveTheRootIsRefused", func(t *testing.T) {
		s, _ := b.Open(t)
		bad := []string{"", "/", "..", "../x", "a/../../x", "a/..", "/etc/passwd", "nul\x00", ".hidden", "a/.b", ".", strings.Repeat("a/", 600)}
		for _, key := range bad {
			if err := s.Store(t.Context(), key, nil); err == nil {
				t.Errorf("Store(%q) was accepted", key)
			}
			if _, err := s.Load(t.Context(), key); err == nil || errors.Is(err, fs.ErrNotExist) {
				t.Errorf("Load(%q) = %v, want a refusal", key, err)
			}
			if err := s.Delete(t.Context(), key); err == nil {
				t.Errorf("Delete(%q) was accepted", key)
			}
			if err := s.Lock(t.Context(), key); err == nil {
				t.Errorf("Lock(%q) was accepted", key)
			}
			if _, err := s.List(t.Context(), key, true); err == nil && key != "" {
				t.Errorf("List(%q) was accepted", key)
			}
		}
	})
}
