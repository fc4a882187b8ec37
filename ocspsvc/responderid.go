package ocspsvc

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// ResponderID names the signer of a response: by its subject or by the SHA-1
// hash of its public key (RFC 6960 §4.2.2.3). One of the two is set.
type ResponderID struct {
	Name    []byte // DER encoded
	KeyHash []byte
}

// ByName names the signer by its subject.
func ByName(signer *x509.Certificate) ResponderID { return ResponderID{Name: signer.RawSubject} }

// ByKey names the signer by the hash of its key, as RFC 9919 §3.2.2 wants.
func ByKey(signer *x509.Certificate) ResponderID {
	key, err := publicKeyBits(signer)
	if err != nil {
		return ResponderID{}
	}
	return ResponderID{KeyHash: sum(crypto.SHA1, key)}
}

// Matches reports whether the ID names cert.
func (id ResponderID) Matches(cert *x509.Certificate) bool {
	if len(id.KeyHash) > 0 {
		return bytes.Equal(id.KeyHash, ByKey(cert).KeyHash)
	}
	return len(id.Name) > 0 && bytes.Equal(id.Name, cert.RawSubject)
}

// String is the signer's name, or "key " and the hash in hex.
func (id ResponderID) String() string {
	if len(id.KeyHash) > 0 {
		return "key " + hex.EncodeToString(id.KeyHash)
	}
	var sequence pkix.RDNSequence
	if rest, err := asn1.Unmarshal(id.Name, &sequence); err != nil || len(rest) > 0 {
		return "unreadable name"
	}
	return sequence.String()
}

// publicKeyBits returns the key of cert as the hashes of CertID and
// ResponderID want it: the BIT STRING without tag, length and unused bits.
func publicKeyBits(cert *x509.Certificate) ([]byte, error) {
	input, info := cryptobyte.String(cert.RawSubjectPublicKeyInfo), cryptobyte.String(nil)
	var bits []byte
	if !input.ReadASN1(&info, cbasn1.SEQUENCE) || !info.SkipASN1(cbasn1.SEQUENCE) || !info.ReadASN1BitStringAsBytes(&bits) {
		return nil, errors.New("the issuer's certificate has no readable public key")
	}
	return bits, nil
}

func (id *ResponderID) read(s *cryptobyte.String) bool {
	var content cryptobyte.String
	var tag cbasn1.Tag
	if !s.ReadAnyASN1(&content, &tag) {
		return false
	}
	switch tag {
	case explicit(1):
		var name cryptobyte.String
		ok := content.ReadASN1Element(&name, cbasn1.SEQUENCE)
		id.Name = name
		return ok && content.Empty()
	case explicit(2):
		return content.ReadASN1Bytes(&id.KeyHash, cbasn1.OCTET_STRING) && content.Empty() && len(id.KeyHash) > 0
	}
	return false
}

func (id ResponderID) add(b *cryptobyte.Builder) {
	switch {
	case len(id.KeyHash) > 0:
		b.AddASN1(explicit(2), func(b *cryptobyte.Builder) { b.AddASN1OctetString(id.KeyHash) })
	case len(id.Name) > 0:
		b.AddASN1(explicit(1), func(b *cryptobyte.Builder) { b.AddBytes(id.Name) })
	default:
		b.SetError(errors.New("a response needs a ResponderID"))
	}
}
