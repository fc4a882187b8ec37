package responder

import (
	"bytes"
	"crypto"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"dwaar/ocspsvc"
)

// forms are the ways in which clients write CertIDs: four hashes, each with
// NULL as its parameters or with none. There is an answer in the cache for each,
// as a CertID is echoed byte for byte.
const forms = 8

// usual is the form of nearly all clients: SHA-1 with NULL.
const usual = 0

// oddForm is any other encoding. Its answers are not kept.
const oddForm = -1

// nameIssuer notes how CertIDs of this CA begin.
func (a *authority) nameIssuer() error {
	const serial = 3 // octets of the leaf's
	for i, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256, crypto.SHA384, crypto.SHA512} {
		id, err := ocspsvc.NewCertID(a.leaf(), a.Issuer, hash)
		if err != nil {
			return err
		}
		content := contentOf(id.Raw)
		withNull := content[:len(content)-serial]
		a.prefixes[2*i], a.prefixes[2*i+1], a.names[i] = withNull, withoutNull(withNull), id
	}
	return nil
}

// contentOf is a SEQUENCE's content.
func contentOf(der []byte) []byte {
	header := 2
	if len(der) > 1 && der[1] > 0x80 {
		header += int(der[1] - 0x80)
	}
	return der[min(header, len(der)):]
}

// withoutNull leaves out the parameters of the AlgorithmIdentifier in front.
func withoutNull(prefix []byte) []byte {
	end := 2 + int(prefix[1])
	short := append([]byte{prefix[0], prefix[1] - 2}, prefix[2:end-2]...)
	return append(short, prefix[end:]...)
}

// formOf reports whether a CertID names a certificate of this CA, and how it is
// written.
func (a *authority) formOf(id *ocspsvc.CertID) (form int, ours bool) {
	content := contentOf(id.Raw)
	for form, prefix := range a.prefixes {
		if bytes.HasPrefix(content, prefix) {
			return form, true
		}
	}
	for i := range a.names {
		if name := &a.names[i]; name.Hash == id.Hash {
			return oddForm, bytes.Equal(name.NameHash, id.NameHash) && bytes.Equal(name.KeyHash, id.KeyHash)
		}
	}
	return oddForm, false
}

// certID is the one of a serial in the given form.
func (a *authority) certID(form int, serial *big.Int) (*ocspsvc.CertID, error) {
	var content, whole cryptobyte.Builder
	content.AddBytes(a.prefixes[form])
	content.AddASN1BigInt(serial)
	der, err := content.Bytes()
	if err != nil {
		return nil, err
	}
	whole.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(der) })
	der, err = whole.Bytes()
	return &ocspsvc.CertID{Raw: der, Serial: serial}, err
}

// subject is a certificate of this CA that a CertID asks about.
func (a *authority) subject(id *ocspsvc.CertID, form int) subject {
	return subject{authority: a, id: id, form: form, serial: id.Serial, key: a.keyOf(id.Serial)}
}

// keyOf is a certificate's key in the cache: whose it is, and its serial in DER.
func (a *authority) keyOf(serial *big.Int) string {
	b := cryptobyte.NewBuilder([]byte{a.index})
	b.AddASN1BigInt(serial)
	return string(b.BytesOrPanic())
}
