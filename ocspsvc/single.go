package ocspsvc

import (
	"crypto/x509/pkix"
	"errors"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Single is what a response says about one certificate.
type Single struct {
	CertID           CertID
	Status           Status
	RevokedAt        time.Time        // zero unless Revoked
	RevocationReason RevocationReason // Unspecified also if none was given
	ThisUpdate       time.Time
	NextUpdate       time.Time // zero if the response has none
	Extensions       []pkix.Extension
}

func readSingle(list *cryptobyte.String) (Single, bool) {
	var body, next cryptobyte.String
	var single Single
	var ok, hasNext bool
	if !list.ReadASN1(&body, cbasn1.SEQUENCE) {
		return single, false
	}
	if single.CertID, ok = readCertID(&body); !ok || !single.readStatus(&body) || !readTime(&body, &single.ThisUpdate) {
		return single, false
	}
	if !body.ReadOptionalASN1(&next, &hasNext, explicit(0)) ||
		hasNext && !(readTime(&next, &single.NextUpdate) && next.Empty()) {
		return single, false
	}
	single.Extensions, ok = readExtensions(&body, 1)
	return single, ok && body.Empty()
}

// readStatus reads the CHOICE of good, revoked and unknown.
func (single *Single) readStatus(body *cryptobyte.String) bool {
	var content cryptobyte.String
	var tag cbasn1.Tag
	if !body.ReadAnyASN1(&content, &tag) {
		return false
	}
	switch tag {
	case implicit(0):
		single.Status = Good
	case implicit(2):
		single.Status = Unknown
	case explicit(1): // an IMPLICIT SEQUENCE looks the same
		single.Status = Revoked
		return readTime(&content, &single.RevokedAt) && single.readReason(&content) && content.Empty()
	default:
		return false
	}
	return content.Empty()
}

func (single *Single) readReason(s *cryptobyte.String) bool {
	var outer cryptobyte.String
	var present bool
	var reason int
	if !s.ReadOptionalASN1(&outer, &present, explicit(0)) || !present {
		return !present
	}
	ok := outer.ReadASN1Enum(&reason) && outer.Empty()
	single.RevocationReason = RevocationReason(reason)
	return ok
}

func addSingle(b *cryptobyte.Builder, single Single) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		addCertID(b, single.CertID)
		addStatus(b, single)
		addTime(b, single.ThisUpdate)
		if !single.NextUpdate.IsZero() {
			b.AddASN1(explicit(0), func(b *cryptobyte.Builder) { addTime(b, single.NextUpdate) })
		}
		addExtensions(b, 1, nil, single.Extensions)
	})
}

// addStatus writes the status; a reason of unspecified is left out, as RFC
// 5280 §5.3.1 wants.
func addStatus(b *cryptobyte.Builder, single Single) {
	switch single.Status {
	case Good:
		b.AddASN1(implicit(0), func(*cryptobyte.Builder) {})
	case Unknown:
		b.AddASN1(implicit(2), func(*cryptobyte.Builder) {})
	case Revoked:
		b.AddASN1(explicit(1), func(b *cryptobyte.Builder) {
			addTime(b, single.RevokedAt)
			if single.RevocationReason != Unspecified {
				b.AddASN1(explicit(0), func(b *cryptobyte.Builder) { b.AddASN1Enum(int64(single.RevocationReason)) })
			}
		})
	default:
		b.SetError(errors.New("a single response needs a status"))
	}
}
