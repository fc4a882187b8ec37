package responder

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// Config is what can be written in a Dwaarfile about a responder, besides where
// its records are. Zero values mean the defaults.
type Config struct {
	// Issuers are PEM files with the certificates of the CAs that are answered
	// for. At least one.
	Issuers []string `json:"issuers"`

	// Signers sign the answers. Each issuer needs exactly one: its own
	// certificate, or a delegate that it issued itself (RFC 6960 §4.2.2.2).
	// Which is whose, the certificates say.
	Signers []Pair `json:"signers"`

	// RSAPSS signs by RSASSA-PSS with RSA keys; the default is PKCS #1 v1.5,
	// which every client knows. Other keys are not affected.
	RSAPSS bool `json:"rsa_pss,omitempty"`

	// Validity is from thisUpdate to nextUpdate. Default 24 h. What is said
	// about a certificate that is not in the records lasts 15 min at most, as it
	// may be there by then.
	Validity time.Duration `json:"validity,omitempty"`

	// Nonce says what is done with nonces. Default NonceOptional.
	Nonce NoncePolicy `json:"nonce,omitempty"`

	// Unissued says what is answered for a serial that is not in the records.
	// It is never good. Default UnissuedUnknown.
	Unissued UnissuedPolicy `json:"unissued,omitempty"`

	// ArchiveCutoff is how long a certificate is answered for after it has
	// expired; answers say so (RFC 6960 §4.4.4). Zero answers for as long as
	// there is a record, and says nothing.
	ArchiveCutoff time.Duration `json:"archive_cutoff,omitempty"`

	// Presign keeps answers for all known certificates ready: they are signed
	// in the background before anybody asks. Records have to be a Lister.
	Presign bool `json:"presign,omitempty"`

	// Requesters are PEM files with the CAs of clients. If there are any, only
	// requests signed by one of their certificates are answered. Otherwise a
	// signature is accepted and ignored.
	Requesters []string `json:"requesters,omitempty"`

	Limits Limits `json:"limits,omitzero"`
}

// Pair is a certificate and its private key, both PEM files.
type Pair struct {
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
}

// NoncePolicy is what is done with nonces (RFC 9654).
type NoncePolicy string

// The nonce policies.
const (
	NonceOptional NoncePolicy = "optional" // a request's nonce is in its answer, which is signed for it alone
	NonceRequired NoncePolicy = "required" // a request without a nonce of at least 16 octets is answered by unauthorized
	NonceIgnore   NoncePolicy = "ignore"   // answers have none, and come from the cache
)

// UnissuedPolicy is what is said about serials that are not in the records.
type UnissuedPolicy string

// The policies for serials that were never issued.
const (
	UnissuedUnknown      UnissuedPolicy = "unknown"      // the signed status unknown
	UnissuedUnauthorized UnissuedPolicy = "unauthorized" // the unsigned error unauthorized, which costs nothing
	UnissuedRevoked      UnissuedPolicy = "revoked"      // RFC 6960 §2.2's extended revoked: on hold since 1970
)

// DefaultValidity is from thisUpdate to nextUpdate.
const DefaultValidity = 24 * time.Hour

// Validities that make sense: a shorter one is over before caches have it, a
// longer one outlives every certificate of today.
const (
	minValidity = time.Minute
	maxValidity = 366 * 24 * time.Hour
)

// Check returns what is wrong with the settings, all of it, each by the name of
// its option. It opens no files.
func (c Config) Check() error {
	var wrong []error
	if len(c.Issuers) == 0 {
		wrong = append(wrong, errors.New("issuer: name the certificate of the CA to answer for"))
	}
	if len(c.Signers) == 0 {
		wrong = append(wrong, errors.New("signer: name the certificate and the key that sign answers"))
	}
	return errors.Join(append(wrong, c.checkSettings())...)
}

// checkSettings is Check without the files.
func (c Config) checkSettings() error {
	var wrong []error
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	refuse(c.Validity != 0 && (c.Validity < minValidity || c.Validity > maxValidity),
		"validity: %s is not between %s and %s", c.Validity, minValidity, maxValidity)
	refuse(c.ArchiveCutoff < 0, "archive_cutoff: %s is negative", c.ArchiveCutoff)
	switch c.Nonce {
	case "", NonceOptional, NonceRequired, NonceIgnore:
	default:
		refuse(true, "nonce: %q is not one of optional, required and ignore", c.Nonce)
	}
	switch c.Unissued {
	case "", UnissuedUnknown, UnissuedUnauthorized, UnissuedRevoked:
	default:
		refuse(true, "unissued: %q is not one of unknown, unauthorized and revoked", c.Unissued)
	}
	return errors.Join(append(wrong, c.Limits.check()...)...)
}

// withDefaults fills in what is zero.
func (c Config) withDefaults() Config {
	c.Validity = cmp.Or(c.Validity, DefaultValidity)
	c.Nonce = cmp.Or(c.Nonce, NonceOptional)
	c.Unissued = cmp.Or(c.Unissued, UnissuedUnknown)
	c.Limits = c.Limits.withDefaults()
	return c
}
