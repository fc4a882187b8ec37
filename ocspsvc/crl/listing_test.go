package crl_test

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
)

// listing is a CRL about to be signed, rightly or not.
type listing struct {
	issuer     *ocsptest.CA // whose name it bears
	signer     crypto.Signer
	this, next time.Time // a zero next is left out
	number     int64     // 0: none
	keyID      []byte    // nil: none
	version    int64     // 0 is version 1
	extensions []pkix.Extension
	entries    []entry
	algorithm  asn1.ObjectIdentifier // what it claims to be signed with; nil: the truth
}

type entry struct {
	serial     *big.Int
	at         time.Time
	reason     ocspsvc.RevocationReason // Unspecified: left out
	extensions []pkix.Extension
}

var (
	oidECDSAWithSHA1   = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 1}
	oidECDSAWithSHA256 = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
	oidReason          = asn1.ObjectIdentifier{2, 5, 29, 21}
	oidEntryIssuer     = asn1.ObjectIdentifier{2, 5, 29, 29}
	oidNumber          = asn1.ObjectIdentifier{2, 5, 29, 20}
	oidDelta           = asn1.ObjectIdentifier{2, 5, 29, 27}
	oidIDP             = asn1.ObjectIdentifier{2, 5, 29, 28}
	oidKeyID           = asn1.ObjectIdentifier{2, 5, 29, 35}
	oidPoints          = asn1.ObjectIdentifier{2, 5, 29, 31}
	oidNobodyKnows     = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 1}
)

// newListing is a list of ca that began an hour ago and ends in a week.
func newListing(ca *ocsptest.CA, revoked ...*ocsptest.Leaf) *listing {
	now := time.Now()
	l := &listing{issuer: ca, signer: ca.Key, this: now.Add(-time.Hour), next: now.Add(7 * day), number: 1, keyID: ca.Cert.SubjectKeyId, version: 1}
	for _, leaf := range revoked {
		l.entries = append(l.entries, entry{serial: leaf.Cert.SerialNumber, at: now.Add(-2 * time.Hour), reason: ocspsvc.KeyCompromise})
	}
	return l
}

// with adds a critical extension.
func (l *listing) with(oid asn1.ObjectIdentifier, value []byte) *listing {
	l.extensions = append(l.extensions, pkix.Extension{Id: oid, Critical: true, Value: value})
	return l
}

func (l *listing) der(t testing.TB) []byte {
	t.Helper()
	algorithm := l.algorithm
	if algorithm == nil {
		algorithm = oidECDSAWithSHA256
	}
	tbs := build(t, cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		if l.version != 0 {
			b.AddASN1Int64(l.version)
		}
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(algorithm) })
		b.AddBytes(l.issuer.Cert.RawSubject)
		addTime(b, l.this)
		if !l.next.IsZero() {
			addTime(b, l.next)
		}
		l.addEntries(b)
		l.addExtensions(b)
	})
	digest := sha256.Sum256(tbs)
	signature, err := l.signer.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return build(t, cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(tbs)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(algorithm) })
		b.AddASN1BitString(signature)
	})
}

func (l *listing) addEntries(b *cryptobyte.Builder) {
	if len(l.entries) == 0 {
		return
	}
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, e := range l.entries {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1BigInt(e.serial)
				addTime(b, e.at)
				extensions := e.extensions
				if e.reason != 0 {
					extensions = append(extensions, pkix.Extension{Id: oidReason, Value: []byte{10, 1, byte(e.reason)}})
				}
				addList(b, extensions)
			})
		}
	})
}

func (l *listing) addExtensions(b *cryptobyte.Builder) {
	var all []pkix.Extension
	if l.version != 0 && l.keyID != nil {
		all = append(all, pkix.Extension{Id: oidKeyID, Value: seq(tlv(0x80, l.keyID))})
	}
	if l.version != 0 && l.number != 0 {
		var n cryptobyte.Builder
		n.AddASN1Int64(l.number)
		all = append(all, pkix.Extension{Id: oidNumber, Value: n.BytesOrPanic()})
	}
	if all = append(all, l.extensions...); len(all) == 0 {
		return
	}
	b.AddASN1(cbasn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { addList(b, all) })
}

func addList(b *cryptobyte.Builder, extensions []pkix.Extension) {
	if len(extensions) == 0 {
		return
	}
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, e := range extensions {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(e.Id)
				if e.Critical {
					b.AddASN1Boolean(true)
				}
				b.AddASN1OctetString(e.Value)
			})
		}
	})
}

// addTime writes a UTCTime until 2049, as RFC 5280 §5.1.2.4 demands.
func addTime(b *cryptobyte.Builder, at time.Time) {
	if at.UTC().Year() < 2050 && at.UTC().Year() >= 1950 {
		b.AddASN1UTCTime(at.UTC())
		return
	}
	b.AddASN1GeneralizedTime(at.UTC())
}

func build(t testing.TB, tag cbasn1.Tag, f func(*cryptobyte.Builder)) []byte {
	t.Helper()
	var b cryptobyte.Builder
	b.AddASN1(tag, f)
	der, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// tlv and seq are DER by hand.
func tlv(tag byte, contents ...[]byte) []byte {
	var all []byte
	for _, c := range contents {
		all = append(all, c...)
	}
	switch n := len(all); {
	case n < 0x80:
		return append([]byte{tag, byte(n)}, all...)
	case n < 0x100:
		return append([]byte{tag, 0x81, byte(n)}, all...)
	default:
		return append([]byte{tag, 0x82, byte(n >> 8), byte(n)}, all...)
	}
}

func seq(contents ...[]byte) []byte { return tlv(0x30, contents...) }

// pointName is a DistributionPointName with URLs, in its [0].
func pointName(urls ...string) []byte {
	var names [][]byte
	for _, u := range urls {
		names = append(names, tlv(0x86, []byte(u)))
	}
	return tlv(0xa0, tlv(0xa0, names...))
}

// Flags of an issuing distribution point.
var (
	userOnly      = tlv(0x81, []byte{0xff})
	caOnly        = tlv(0x82, []byte{0xff})
	someReasons   = tlv(0x83, []byte{6, 0x40}) // keyCompromise
	indirect      = tlv(0x84, []byte{0xff})
	attributeOnly = tlv(0x85, []byte{0xff})
)

// idp makes the list one of an issuing distribution point.
func (l *listing) idp(parts ...[]byte) *listing { return l.with(oidIDP, seq(parts...)) }

// at makes a leaf name these URLs for its CRL.
func at(urls ...string) ocsptest.Option {
	return ocsptest.Modify(func(c *x509.Certificate) { c.CRLDistributionPoints = urls })
}

// pointsAre makes a leaf have these DistributionPoints.
func pointsAre(points ...[]byte) ocsptest.Option {
	return ocsptest.Modify(func(c *x509.Certificate) {
		c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: oidPoints, Value: seq(points...)})
	})
}

func toPEM(der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}) }
