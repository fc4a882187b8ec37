// Package password compares passwords with the hashes that are kept of them.
package password

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// Costs that a Hash may have: less is guessed too fast, more keeps a browser waiting for
// seconds. Each one more takes twice as long.
const (
	MinCost     = bcrypt.MinCost
	DefaultCost = 14
	MaxCost     = 16
)

// MaxLength is how much of a password bcrypt looks at, in bytes. A longer one is refused,
// lest its end be worth nothing.
const MaxLength = 72

// Hash is the bcrypt hash of a password: $2a$14$… It is never shown.
type Hash string

// New hashes a password.
func New(password string, cost int) (Hash, error) {
	switch {
	case password == "":
		return "", errors.New("the password is empty")
	case len(password) > MaxLength:
		return "", fmt.Errorf("the password has %d bytes, and bcrypt looks at %d", len(password), MaxLength)
	case cost < MinCost || cost > MaxCost:
		return "", fmt.Errorf("the cost %d is not between %d and %d", cost, MinCost, MaxCost)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	return Hash(hash), err
}

// Check reports why h is no hash to compare with.
func (h Hash) Check() error {
	switch {
	case strings.HasPrefix(string(h), "$argon2"):
		return errors.New("argon2 is not supported by dwaar: hash the password with dwaar hash-password")
	case !strings.HasPrefix(string(h), "$2"):
		return errors.New("this is no bcrypt hash: make one with dwaar hash-password")
	}
	cost, err := bcrypt.Cost([]byte(h))
	switch {
	case err != nil || len(h) != 60 || strings.Trim(string(h[7:]), alphabet) != "":
		return errors.New("this is no whole bcrypt hash: make one with dwaar hash-password")
	case cost > MaxCost:
		return fmt.Errorf("the cost %d is over %d: a single comparison would take too long", cost, MaxCost)
	}
	return nil
}

// alphabet is that of bcrypt's base64.
const alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// nobodys is a hash that no password has, of a cost. It takes as long to compare.
func nobodys(cost int) Hash {
	return Hash(fmt.Sprintf("$2a$%02d$%s", cost, strings.Repeat("u", 53)))
}

const redacted = "REDACTED"

// String implements [fmt.Stringer].
func (h Hash) String() string { return redacted }

// GoString implements [fmt.GoStringer], for %#v.
func (h Hash) GoString() string { return redacted }

// LogValue implements [slog.LogValuer].
func (h Hash) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements [encoding.TextMarshaler], which encoding/json uses.
func (h Hash) MarshalText() ([]byte, error) { return []byte(redacted), nil }
