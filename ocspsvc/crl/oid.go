package crl

import (
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// is compares the contents of an OBJECT IDENTIFIER without decoding it: a list
// may have a million entries. All arcs of oid but the first are below 128.
func is(contents []byte, oid asn1.ObjectIdentifier) bool {
	if len(contents) != len(oid)-1 || contents[0] != byte(40*oid[0]+oid[1]) {
		return false
	}
	for i, arc := range oid[2:] {
		if contents[i+1] != byte(arc) {
			return false
		}
	}
	return true
}

// dotted is an identifier as people write it.
func dotted(contents []byte) string {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes(contents) })
	der := cryptobyte.String(b.BytesOrPanic())
	var oid asn1.ObjectIdentifier
	if !der.ReadASN1ObjectIdentifier(&oid) {
		return "(unreadable)"
	}
	return oid.String()
}
