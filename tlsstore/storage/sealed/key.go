package sealed

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

// KeySize is how many bytes a key has.
const KeySize = chacha20poly1305.KeySize

// Key is a secret that seals values. It never shows itself in logs, errors or JSON.
type Key struct {
	secret func() []byte // a function, as fmt prints its address, whatever holds the Key
}

// ParseKey reads a key of 32 bytes written as base64 or hex, as `openssl rand -base64 32`
// prints it. Its errors do not repeat the text.
func ParseKey(text string) (Key, error) {
	text = strings.TrimSpace(text)
	raw, err := decode(text)
	if err != nil {
		return Key{}, errors.New("an encryption key is 32 bytes as base64 or hex, and this is neither: make one with `openssl rand -base64 32`")
	}
	if len(raw) != KeySize {
		return Key{}, fmt.Errorf("an encryption key is 32 bytes as base64 or hex, and this has %d: make one with `openssl rand -base64 32`", len(raw))
	}
	if [KeySize]byte(raw) == [KeySize]byte{} {
		return Key{}, errors.New("an encryption key of zeros protects nothing: make one with `openssl rand -base64 32`")
	}
	return Key{func() []byte { return raw }}, nil
}

func decode(text string) ([]byte, error) {
	if len(text) == hex.EncodedLen(KeySize) {
		if raw, err := hex.DecodeString(text); err == nil {
			return raw, nil
		}
	}
	text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	return base64.RawStdEncoding.DecodeString(text)
}

// IsZero reports whether k is no key.
func (k Key) IsZero() bool { return k.secret == nil }

// ID names a key without giving it away; no key has none. Every value says the ID of the key
// that sealed it.
func (k Key) ID() string {
	if k.IsZero() {
		return ""
	}
	id := k.id()
	return hex.EncodeToString(id[:])
}

func (k Key) id() [idSize]byte {
	sum := sha256.Sum256(append([]byte("dwaar storage key\n"), k.secret()...))
	return [idSize]byte(sum[:])
}

const hidden = "[encryption key]"

// String implements fmt.Stringer.
func (Key) String() string { return hidden }

// GoString implements fmt.GoStringer.
func (Key) GoString() string { return hidden }

// LogValue implements slog.LogValuer.
func (Key) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText implements encoding.TextMarshaler, for JSON.
func (Key) MarshalText() ([]byte, error) { return []byte(hidden), nil }
