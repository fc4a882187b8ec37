package stapler

import (
	"crypto/sha256"
	"iter"
	"time"

	"dwaar/ocspsvc"
)

// Fingerprint names a leaf: the SHA-256 of its DER. Staples belong to a leaf,
// never to a host name (S5).
type Fingerprint = [sha256.Size]byte

// Certificate is what the stapler needs to know of one certificate.
type Certificate struct {
	Fingerprint Fingerprint // SHA-256 of Chain[0]
	Chain       [][]byte    // DER, leaf first, the rest in any order (S7); not changed by either side
	Disabled    bool        // `ocsp off`: never asked for, never stapled
	Manual      bool        // an operator's file, which Prime fetches for before the first handshake
	Terms       Terms       // in place of what Config says
}

// Staple is a verified good response and when it may be served: from From on,
// and no longer at Until, by wall time (S3). Catalogs check that in every
// handshake. It is shared: nobody changes it.
type Staple struct {
	Response []byte // exactly as received (S5)
	From     time.Time
	Until    time.Time
}

// Servable reports whether the staple may be served at now, by wall time. It
// is false for nil.
func (s *Staple) Servable(now time.Time) bool {
	return s != nil && len(s.Response) > 0 && ocspsvc.Window{From: s.From, Until: s.Until}.Contains(now)
}

// Catalog is the owner of the certificates.
type Catalog interface {
	// Certificates yields every certificate that is or may be served.
	Certificates() iter.Seq[Certificate]

	// Attach makes staple the one served with leaf; nil takes it away. It is a
	// no-op for a leaf that is gone, must not block, and may be told the same
	// staple again.
	Attach(leaf Fingerprint, staple *Staple)
}

// Revocations is told when a certificate turns out to be revoked (V1, V2),
// after its staple was detached, and when it no longer is.
type Revocations interface {
	// Revocation is called with a verified verdict: Status is ocspsvc.Revoked
	// when leaf is revoked; anything else says that it no longer counts as
	// revoked (a hold was lifted, or OCSP was turned off for it). It must not
	// block. After Sync the same may be told again.
	Revocation(leaf Fingerprint, verdict ocspsvc.Verdict)
}
