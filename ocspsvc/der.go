package ocspsvc

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Everything is read as DER: cryptobyte refuses indefinite and non-minimal
// lengths and integers, and each reader refuses what is left over. Two habits
// of old responders that change nothing are let pass: a DEFAULT that is
// written out (version v1, critical FALSE) and hash parameters that are absent.

const (
	maxSerialSize = 64 // octets; RFC 5280 §4.1.2.2 allows 20
	derTime       = "20060102150405Z"
)

func explicit(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }
func implicit(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific() }

// readTime reads a GeneralizedTime in the only form RFC 5280 §4.1.2.5.2
// allows: in seconds, in UTC.
func readTime(s *cryptobyte.String, out *time.Time) bool {
	var text []byte
	if !s.ReadASN1Bytes(&text, cbasn1.GeneralizedTime) || len(text) != len(derTime) {
		return false
	}
	t, err := time.Parse(derTime, string(text))
	*out = t
	return err == nil && !t.IsZero() // zero stands for absent
}

func addTime(b *cryptobyte.Builder, t time.Time) {
	b.AddASN1(cbasn1.GeneralizedTime, func(b *cryptobyte.Builder) { b.AddBytes([]byte(t.UTC().Format(derTime))) })
}

// readVersion reads [0] EXPLICIT Version DEFAULT v1, of which v1 is the only one.
func readVersion(s *cryptobyte.String) bool {
	version := 0
	return s.ReadOptionalASN1Integer(&version, explicit(0), 0) && version == 0
}

// readAlgorithm reads an AlgorithmIdentifier; params is the element that
// follows the identifier, or empty.
func readAlgorithm(s *cryptobyte.String, oid *asn1.ObjectIdentifier, params *cryptobyte.String) bool {
	var body cryptobyte.String
	if !s.ReadASN1(&body, cbasn1.SEQUENCE) || !body.ReadASN1ObjectIdentifier(oid) {
		return false
	}
	*params = nil
	if body.Empty() {
		return true
	}
	var tag cbasn1.Tag
	return body.ReadAnyASN1Element(params, &tag) && body.Empty()
}

func readSerial(s *cryptobyte.String) (*big.Int, bool) {
	peek := *s
	var octets cryptobyte.String
	if !peek.ReadASN1(&octets, cbasn1.INTEGER) || len(octets) > maxSerialSize {
		return nil, false
	}
	serial := new(big.Int)
	return serial, s.ReadASN1Integer(serial)
}

// readExtensions reads [tag] EXPLICIT Extensions OPTIONAL, and refuses one
// that occurs twice (RFC 5280 §4.2).
func readExtensions(s *cryptobyte.String, tag uint8) ([]pkix.Extension, bool) {
	var outer, list cryptobyte.String
	var present bool
	if !s.ReadOptionalASN1(&outer, &present, explicit(tag)) {
		return nil, false
	}
	if !present {
		return nil, true
	}
	if !outer.ReadASN1(&list, cbasn1.SEQUENCE) || !outer.Empty() || list.Empty() {
		return nil, false
	}
	var extensions []pkix.Extension
	for !list.Empty() {
		extension, ok := readExtension(&list)
		if !ok || findExtension(extensions, extension.Id) != nil {
			return nil, false
		}
		extensions = append(extensions, extension)
	}
	return extensions, true
}

func readExtension(list *cryptobyte.String) (pkix.Extension, bool) {
	var body cryptobyte.String
	var extension pkix.Extension
	ok := list.ReadASN1(&body, cbasn1.SEQUENCE) && body.ReadASN1ObjectIdentifier(&extension.Id)
	if ok && body.PeekASN1Tag(cbasn1.BOOLEAN) {
		ok = body.ReadASN1Boolean(&extension.Critical)
	}
	return extension, ok && body.ReadASN1Bytes(&extension.Value, cbasn1.OCTET_STRING) && body.Empty()
}

// takeExtension removes the extension with that identifier from the list.
func takeExtension(list []pkix.Extension, oid asn1.ObjectIdentifier) (*pkix.Extension, []pkix.Extension) {
	for i := range list {
		if list[i].Id.Equal(oid) {
			taken := list[i]
			if len(list) == 1 {
				return &taken, nil
			}
			return &taken, slices.Delete(slices.Clone(list), i, i+1)
		}
	}
	return nil, list
}

// addExtensions writes [tag] EXPLICIT Extensions, or nothing for none; a nonce
// goes in front (RFC 9654).
func addExtensions(b *cryptobyte.Builder, tag uint8, nonce []byte, extensions []pkix.Extension) {
	if len(nonce) > 0 {
		var value cryptobyte.Builder
		value.AddASN1OctetString(nonce)
		extensions = append([]pkix.Extension{{Id: oidNonce, Value: value.BytesOrPanic()}}, extensions...)
	}
	if len(extensions) == 0 {
		return
	}
	b.AddASN1(explicit(tag), func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, extension := range extensions {
				addExtension(b, extension)
			}
		})
	})
}

func addExtension(b *cryptobyte.Builder, extension pkix.Extension) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(extension.Id)
		if extension.Critical {
			b.AddASN1Boolean(true)
		}
		b.AddASN1OctetString(extension.Value)
	})
}
