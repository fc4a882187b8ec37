package ocspsvc

import (
	"crypto"
	"crypto/x509"
	"time"
)

// DefaultSkew is how far ahead a thisUpdate may be by default (S3).
const DefaultSkew = 5 * time.Minute

// VerifyOptions say how much is asked of a response. The zero value is strict:
// a nextUpdate is needed, and nothing but it limits the age.
type VerifyOptions struct {
	// MaxAge refuses a response whose thisUpdate is longer ago. 0 sets no bound.
	MaxAge time.Duration

	// AllowNoNextUpdate accepts a response without nextUpdate, which private
	// responders send; MaxAge, or DefaultMaxAge if that is 0, limits it then.
	AllowNoNextUpdate bool

	// Skew is how far ahead of now thisUpdate may be. 0 means DefaultSkew;
	// negative allows none. Such a response is valid, but its Window starts
	// only at thisUpdate.
	Skew time.Duration

	// Nonce is the one that was sent. A response with another one is refused,
	// one without any is judged by its times (RFC 9919 §4).
	Nonce []byte

	// Hash is the CertID's hash that was asked for. 0 accepts any of SHA-1,
	// SHA-256, SHA-384 and SHA-512.
	Hash crypto.Hash
}

// Verify decides whether r says something about leaf, which issuer issued,
// that can be believed at now (RFC 6960 §3.2). A nil error means that it does:
// the verdict's Status is good, revoked or unknown. Otherwise the error is an
// *Error with its reason word, and the verdict has that word, no Status, and
// what of the times was found out on the way.
//
// That issuer did issue leaf is for the caller to know, as from FindIssuer.
func Verify(r *Response, leaf, issuer *x509.Certificate, now time.Time, o VerifyOptions) (Verdict, error) {
	return Verdict{}, refuse(ReasonMalformed, "not implemented")
}
