package tlsstore

import (
	"crypto/sha256"
	"encoding/hex"
)

// Fingerprint is the SHA-256 of a leaf's DER: what a staple belongs to (S5).
type Fingerprint [sha256.Size]byte

// String returns the fingerprint in lower-case hexadecimal.
func (f Fingerprint) String() string { return hex.EncodeToString(f[:]) }

// MarshalText implements encoding.TextMarshaler: hexadecimal in JSON.
func (f Fingerprint) MarshalText() ([]byte, error) { return []byte(f.String()), nil }
