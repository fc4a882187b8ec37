package ocspsvc

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// CertID names a certificate by hashes of its issuer's name and key, and its
// serial number (RFC 6960 §4.1.1).
type CertID struct {
	Hash     crypto.Hash // SHA-1, SHA-256, SHA-384 or SHA-512; 0 for one dwaar does not know
	NameHash []byte      // of the issuer name in the certificate, DER encoded
	KeyHash  []byte      // of the issuer's public key, without tag, length and unused bits
	Serial   *big.Int

	// Raw is the DER encoding, exactly as received: a responder has to echo it
	// byte for byte (clients compare), also with odd hash parameters.
	Raw []byte
}

// NewCertID names leaf, which issuer issued, by the given hash: crypto.SHA1,
// SHA256, SHA384 or SHA512. It fails for other hashes and for certificates
// that were not parsed.
func NewCertID(leaf, issuer *x509.Certificate, hash crypto.Hash) (CertID, error) {
	if hashOID(hash) == nil {
		return CertID{}, fmt.Errorf("hash %d is not one of SHA-1, SHA-256, SHA-384 and SHA-512", hash)
	}
	if leaf.SerialNumber == nil || len(leaf.RawIssuer) == 0 {
		return CertID{}, fmt.Errorf("making a CertID: the certificate has no issuer or serial")
	}
	key, err := publicKeyBits(issuer)
	if err != nil {
		return CertID{}, fmt.Errorf("making a CertID: %w", err)
	}
	id := CertID{Hash: hash, NameHash: sum(hash, leaf.RawIssuer), KeyHash: sum(hash, key), Serial: leaf.SerialNumber}
	id.Raw, err = id.marshal()
	return id, err
}

// Matches reports whether id names leaf as issued by issuer: hashes of name
// and key, and serial (RFC 6960 §3.2 #1).
func (id CertID) Matches(leaf, issuer *x509.Certificate) bool {
	return id.Serial != nil && leaf.SerialNumber != nil && id.Serial.Cmp(leaf.SerialNumber) == 0 &&
		id.matchesIssuer(leaf.RawIssuer, issuer)
}

// MatchesIssuer reports whether id names some certificate of issuer.
func (id CertID) MatchesIssuer(issuer *x509.Certificate) bool {
	return id.matchesIssuer(issuer.RawSubject, issuer)
}

func (id CertID) matchesIssuer(name []byte, issuer *x509.Certificate) bool {
	if hashOID(id.Hash) == nil || !bytes.Equal(id.NameHash, sum(id.Hash, name)) {
		return false
	}
	key, err := publicKeyBits(issuer)
	return err == nil && bytes.Equal(id.KeyHash, sum(id.Hash, key))
}

// Equal reports whether both name the same certificate by the same hash. The
// encoding of the hash's parameters (NULL or absent) makes no difference.
func (id CertID) Equal(other CertID) bool {
	return id.Hash == other.Hash && id.Hash != 0 && bytes.Equal(id.NameHash, other.NameHash) &&
		bytes.Equal(id.KeyHash, other.KeyHash) && id.Serial != nil && other.Serial != nil &&
		id.Serial.Cmp(other.Serial) == 0
}

// readCertID reads a CertID and keeps its bytes. One with an unknown hash is
// well-formed, and names nothing.
func readCertID(s *cryptobyte.String) (CertID, bool) {
	var element, body, params cryptobyte.String
	var oid asn1.ObjectIdentifier
	var id CertID
	if !s.ReadASN1Element(&element, cbasn1.SEQUENCE) {
		return id, false
	}
	id.Raw = element
	ok := element.ReadASN1(&body, cbasn1.SEQUENCE) && readAlgorithm(&body, &oid, &params) &&
		body.ReadASN1Bytes(&id.NameHash, cbasn1.OCTET_STRING) && body.ReadASN1Bytes(&id.KeyHash, cbasn1.OCTET_STRING)
	if !ok {
		return id, false
	}
	id.Hash = hashByOID(oid)
	id.Serial, ok = readSerial(&body)
	return id, ok && body.Empty()
}

// marshal returns Raw, or the encoding every client uses: with NULL as the
// hash's parameters.
func (id CertID) marshal() ([]byte, error) {
	if len(id.Raw) > 0 {
		return id.Raw, nil
	}
	oid := hashOID(id.Hash)
	if oid == nil || id.Serial == nil {
		return nil, errors.New("a CertID needs one of the hashes SHA-1, SHA-256, SHA-384, SHA-512 and a serial")
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oid)
			b.AddASN1NULL()
		})
		b.AddASN1OctetString(id.NameHash)
		b.AddASN1OctetString(id.KeyHash)
		b.AddASN1BigInt(id.Serial)
	})
	return b.Bytes()
}

func addCertID(b *cryptobyte.Builder, id CertID) {
	der, err := id.marshal()
	if err != nil {
		b.SetError(err)
		return
	}
	b.AddBytes(der)
}
