package respstore

import (
	"crypto/sha256"
	"time"
)

// Fingerprint names a leaf: the SHA-256 of its DER.
type Fingerprint = [sha256.Size]byte

// Limits on what a record holds, so that storage and memory stay bounded.
const (
	MaxResponse = 64 << 10 // octets of a response
	MaxIssuer   = 64 << 10 // octets of an issuer certificate
)

// Record is one verified response, good or revoked, with what it takes to
// judge it again after a restart without a network.
type Record struct {
	Leaf     Fingerprint
	NotAfter time.Time // of the leaf: when the record becomes useless; whole seconds

	// Response is the DER exactly as received (S5). The store keeps the slice
	// and never changes it, and neither may anyone else.
	Response []byte

	// LastRefresh is when a responder last said this, also if it repeated the
	// same bytes (S3).
	LastRefresh time.Time

	// Issuer is the DER of the leaf's issuer if it had to be fetched (S7), and
	// nil if the chain has it.
	Issuer []byte
}
