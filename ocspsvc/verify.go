package ocspsvc

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"
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

	// Hash is the CertID's hash that was asked for, by which there has to be a
	// single. One by another hash counts only if it says worse. 0 accepts any
	// of SHA-1, SHA-256, SHA-384 and SHA-512.
	Hash crypto.Hash
}

// Verify decides whether r says something about leaf, which issuer issued,
// that can be believed at now (RFC 6960 §3.2). A nil error means that it does:
// the verdict's Status is good, revoked or unknown. Otherwise the error is an
// *Error with its reason word, and the verdict has that word, no Status, and
// what of times and signer was found out on the way.
//
// Of several singles about leaf the most pessimistic counts: revoked, then
// unknown, then good; good ones count for as long as all of them do.
// That issuer did issue leaf is for the caller to know, as from FindIssuer.
func Verify(r *Response, leaf, issuer *x509.Certificate, now time.Time, o VerifyOptions) (Verdict, error) {
	c := check{r: r, leaf: leaf, dated: leaf, issuer: issuer, now: now.Round(0), o: o}
	return c.run()
}

// VerifyID is Verify for a certificate of issuer that is known by its CertID
// only, as to who passes answers on: there has to be a single by id's hash. That
// the response was made while the certificate was valid cannot be checked.
func VerifyID(r *Response, id CertID, issuer *x509.Certificate, now time.Time, o VerifyOptions) (Verdict, error) {
	if id.Serial == nil || !id.MatchesIssuer(issuer) {
		err := Refuse(ReasonNoIssuer, "the CertID does not name a certificate of %s", issuer.Subject)
		return Refusal(err), err
	}
	o.Hash = id.Hash
	named := &x509.Certificate{SerialNumber: id.Serial, Issuer: issuer.Subject, RawIssuer: issuer.RawSubject}
	c := check{r: r, leaf: named, issuer: issuer, now: now.Round(0), o: o}
	return c.run()
}

func (c *check) run() (Verdict, error) {
	if c.o.Skew == 0 {
		c.o.Skew = DefaultSkew
	}
	c.o.Skew = max(c.o.Skew, 0)
	// The order is that of RFC 6960 §3.2, so that the word is about the first
	// thing that is wrong: who signs matters only for the right certificate.
	for _, step := range []func() error{c.status, c.single, c.signer, c.extensions, c.nonce, c.times} {
		if err := step(); err != nil {
			c.v.Reason = ReasonOf(err)
			return c.v, err
		}
	}
	c.conclude()
	return c.v, nil
}

// check is one Verify under way.
type check struct {
	r            *Response
	leaf, issuer *x509.Certificate
	dated        *x509.Certificate // leaf, or nil if no more than its serial is known
	now          time.Time
	o            VerifyOptions

	matching []*Single // that are about leaf
	one      Single    // what they say together
	delegate *x509.Certificate
	v        Verdict
}

func (c *check) status() error {
	if c.r.ResponseStatus != Successful {
		return Refuse(ReasonResponderError, "the responder answers %s", c.r.ResponseStatus)
	}
	return nil
}

// single collects the singles about leaf (RFC 6960 §3.2 #1) and takes from
// them the most pessimistic view: the worst status, the shortest validity.
func (c *check) single() error {
	asked := false
	for i := range c.r.Singles {
		single := &c.r.Singles[i]
		if !single.CertID.Matches(c.leaf, c.issuer) {
			continue
		}
		byHash := c.o.Hash == 0 || c.o.Hash == single.CertID.Hash
		asked = asked || byHash
		if byHash || single.Status != Good {
			c.matching = append(c.matching, single)
		}
	}
	if !asked {
		return Refuse(ReasonWrongCertificate, "none of %d single responses is about serial %x of %s",
			len(c.r.Singles), c.leaf.SerialNumber, c.leaf.Issuer)
	}
	c.one = *slices.MaxFunc(c.matching, func(a, b *Single) int { return a.Status.pessimism() - b.Status.pessimism() })
	for _, single := range c.matching {
		if single.Status == c.one.Status {
			c.one.narrow(single)
		}
	}
	c.v.ThisUpdate, c.v.NextUpdate, c.v.ProducedAt = c.one.ThisUpdate, c.one.NextUpdate, c.r.ProducedAt
	return nil
}

// narrow limits s to the time in which other says the same.
func (s *Single) narrow(other *Single) {
	if other.ThisUpdate.After(s.ThisUpdate) {
		s.ThisUpdate = other.ThisUpdate
	}
	if s.NextUpdate.IsZero() || other.NextUpdate.IsZero() {
		s.NextUpdate = time.Time{}
		return
	}
	s.NextUpdate = earliest(s.NextUpdate, other.NextUpdate)
}

// extensions refuses what is critical and not understood (RFC 6960 §4.4).
func (c *check) extensions() error {
	if err := critical("the response", c.r.Extensions, oidExtendedRevoke); err != nil {
		return err
	}
	for _, single := range c.matching {
		if err := critical("the single response", single.Extensions, oidSCTList, oidArchiveCutoff); err != nil {
			return err
		}
	}
	return nil
}

func critical(where string, extensions []pkix.Extension, known ...asn1.ObjectIdentifier) error {
	for _, extension := range extensions {
		if extension.Critical && !slices.ContainsFunc(known, extension.Id.Equal) {
			return Refuse(ReasonCriticalExtension, "%s has the unknown critical extension %s", where, extension.Id)
		}
	}
	return nil
}

// nonce refuses an answer to another request. None at all is usual: a
// responder that signs ahead cannot know it.
func (c *check) nonce() error {
	if len(c.o.Nonce) > 0 && c.r.Nonce != nil && !bytes.Equal(c.o.Nonce, c.r.Nonce) {
		return Refuse(ReasonWrongCertificate, "the nonce is not the one that was sent")
	}
	return nil
}

func (c *check) conclude() {
	c.v.Status, c.v.Reason = c.one.Status, c.one.Status.reason()
	if c.one.Status != Revoked {
		return
	}
	c.v.RevokedAt, c.v.RevocationReason = c.one.RevokedAt, c.one.RevocationReason
	c.v.NotIssued = c.one.RevocationReason == CertificateHold && c.one.RevokedAt.Unix() == 0 &&
		findExtension(c.r.Extensions, oidExtendedRevoke) != nil
}
