package crl

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"dwaar/ocspsvc"
)

// frame is a CRL taken apart, its entries not yet read. x509.ParseRevocationList
// makes some 500 bytes of every entry, 150 MB of a list of 10 MiB. So it only
// gets to see the list without its entries; they are read by this package.
type frame struct {
	head    *x509.RevocationList // without entries; its Raw is none of the list's
	signed  []byte               // tbsCertList as received
	revoked cryptobyte.String    // the contents of revokedCertificates
	version int64
}

var explicit0 = cbasn1.Tag(0).ContextSpecific().Constructed()

// readFrame reads a CertificateList (RFC 5280 §5.1), whole and as DER.
func readFrame(der []byte) (*frame, error) {
	input, outer, tbs := cryptobyte.String(der), cryptobyte.String(nil), cryptobyte.String(nil)
	if !input.ReadASN1(&outer, cbasn1.SEQUENCE) || !input.Empty() || !outer.ReadASN1Element(&tbs, cbasn1.SEQUENCE) {
		return nil, errNoCRL
	}
	f := &frame{signed: tbs}
	bare, ok := f.split(tbs)
	if !ok || !endsWithSignature(outer) {
		return nil, errNoCRL
	}
	var err error
	if f.head, err = x509.ParseRevocationList(join(bare, outer)); err != nil {
		return nil, ocspsvc.Refuse(ocspsvc.ReasonMalformed, "%w", err)
	}
	return f, f.checkHead()
}

var errNoCRL = ocspsvc.Refuse(ocspsvc.ReasonMalformed, "not a CRL in DER or PEM")

// split returns the contents of tbs without version and revokedCertificates,
// which go into f.
func (f *frame) split(tbs cryptobyte.String) (bare []byte, ok bool) {
	var body, names cryptobyte.String
	if !tbs.ReadASN1(&body, cbasn1.SEQUENCE) {
		return nil, false
	}
	if body.PeekASN1Tag(cbasn1.INTEGER) && !body.ReadASN1Integer(&f.version) {
		return nil, false
	}
	if !readBeforeEntries(body, &names) {
		return nil, false
	}
	body = body[len(names):]
	if body.PeekASN1Tag(cbasn1.SEQUENCE) && !body.ReadASN1(&f.revoked, cbasn1.SEQUENCE) {
		return nil, false
	}
	extensions := body
	ok = body.SkipOptionalASN1(explicit0) && body.Empty()
	return slices.Concat(names, extensions), ok
}

// readBeforeEntries reads signature, issuer, thisUpdate and nextUpdate.
func readBeforeEntries(body cryptobyte.String, out *cryptobyte.String) bool {
	rest := body
	for range 2 { // signature and issuer
		if !rest.SkipASN1(cbasn1.SEQUENCE) {
			return false
		}
	}
	ok := skipTime(&rest)
	if ok && (rest.PeekASN1Tag(cbasn1.UTCTime) || rest.PeekASN1Tag(cbasn1.GeneralizedTime)) {
		ok = skipTime(&rest)
	}
	*out = body[:len(body)-len(rest)]
	return ok
}

func skipTime(s *cryptobyte.String) bool {
	if s.PeekASN1Tag(cbasn1.UTCTime) {
		return s.SkipASN1(cbasn1.UTCTime)
	}
	return s.SkipASN1(cbasn1.GeneralizedTime)
}

func endsWithSignature(s cryptobyte.String) bool {
	return s.SkipASN1(cbasn1.SEQUENCE) && s.SkipASN1(cbasn1.BIT_STRING) && s.Empty()
}

// join makes the list without entries. It says version 2 of a list of version 1
// too, which crypto/x509 does not read.
func join(tbs, signature []byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1Int64(version2)
			b.AddBytes(tbs)
		})
		b.AddBytes(signature)
	})
	return b.BytesOrPanic()
}

// Versions count from 0; a list of version 1 does not say so.
const version2 = 1

// maxNumber is the most octets of a cRLNumber; RFC 5280 §5.2.3 allows 20.
const maxNumber = 64

func (f *frame) checkHead() error {
	switch {
	case f.version != 0 && f.version != version2:
		return ocspsvc.Refuse(ocspsvc.ReasonMalformed, "version %d is unknown", f.version+1)
	case f.version == 0 && len(f.head.Extensions) > 0:
		return ocspsvc.Refuse(ocspsvc.ReasonMalformed, "a list of version 1 with extensions")
	case repeated(f.head.Extensions):
		return ocspsvc.Refuse(ocspsvc.ReasonMalformed, "an extension occurs twice")
	case f.head.Number != nil && (f.head.Number.Sign() < 0 || f.head.Number.BitLen() > 8*maxNumber):
		return ocspsvc.Refuse(ocspsvc.ReasonMalformed, "cRLNumber is negative or has more than %d octets", maxNumber)
	case !f.head.NextUpdate.IsZero() && f.head.NextUpdate.Before(f.head.ThisUpdate):
		return ocspsvc.Refuse(ocspsvc.ReasonMalformed, "nextUpdate %s is before thisUpdate %s", rfc3339(f.head.NextUpdate), rfc3339(f.head.ThisUpdate))
	}
	return nil
}

func repeated(extensions []pkix.Extension) bool {
	for i, e := range extensions {
		for _, other := range extensions[:i] {
			if other.Id.Equal(e.Id) {
				return true
			}
		}
	}
	return false
}

// list reads extensions and entries.
func (f *frame) list() (*List, error) {
	if f.head.NextUpdate.IsZero() {
		return nil, ocspsvc.Refuse(ocspsvc.ReasonNoNextUpdate, "the list has no nextUpdate")
	}
	scope, err := readScope(f.head.Extensions)
	if err != nil {
		return nil, err
	}
	entries, err := readEntries(f.revoked, f.version)
	if err != nil {
		return nil, err
	}
	return &List{
		ThisUpdate: f.head.ThisUpdate.UTC(), NextUpdate: f.head.NextUpdate.UTC(), Number: f.head.Number,
		Issuer: f.head.Issuer.String(), scope: scope, entries: entries,
	}, nil
}
