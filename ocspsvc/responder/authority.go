package responder

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"dwaar/ocspsvc"
)

// Authority is a CA together with who signs answers about its certificates.
type Authority struct {
	Issuer *x509.Certificate
	Signer *x509.Certificate // the delegate; nil, or Issuer, if the issuer signs itself
	Key    crypto.Signer     // of Signer
}

// Keys are what the files of a Config hold.
type Keys struct {
	Authorities []Authority
	Requesters  *x509.CertPool // whose clients are answered; nil for everybody's
}

// forms are the ways in which clients write CertIDs: four hashes, each with
// NULL as its parameters or with none. There is an answer in the cache for each,
// as a CertID is echoed byte for byte.
const forms = 8

// usual is the form of nearly all clients: SHA-1 with NULL.
const usual = 0

// oddForm is any other encoding. Its answers are not kept.
const oddForm = -1

// authority is an Authority ready for work.
type authority struct {
	Authority
	index     byte // among all
	id        IssuerID
	delegated bool
	algorithm x509.SignatureAlgorithm
	prefixes  [forms][]byte // of a CertID's content, up to its serial
}

// newAuthority checks that clients will believe what is going to be signed: it
// signs an answer and verifies it. So it refuses a key that is not the
// certificate's, and a delegate without OCSPSigning, of another issuer, or out
// of its dates.
func newAuthority(from Authority, index byte, pss bool) (*authority, error) {
	if from.Issuer == nil || from.Key == nil {
		return nil, errors.New("an OCSP signer needs an issuer and a key")
	}
	a := &authority{Authority: from, index: index, id: IssuerIDOf(from.Issuer)}
	if a.Signer == nil {
		a.Signer = a.Issuer
	}
	a.delegated = !bytes.Equal(a.Signer.RawSubjectPublicKeyInfo, a.Issuer.RawSubjectPublicKeyInfo)
	if pss && a.Signer.PublicKeyAlgorithm == x509.RSA {
		a.algorithm = x509.SHA256WithRSAPSS
	}
	if err := a.nameIssuer(); err != nil {
		return nil, err
	}
	if err := a.prove(); err != nil {
		return nil, fmt.Errorf("an OCSP signer nobody would believe: %w", err)
	}
	return a, nil
}

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
		a.prefixes[2*i], a.prefixes[2*i+1] = withNull, withoutNull(withNull)
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

// leaf is a certificate of this CA that does not exist.
func (a *authority) leaf() *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: big.NewInt(1), RawIssuer: a.Issuer.RawSubject,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
	}
}

// prove signs and verifies an answer.
func (a *authority) prove() error {
	now, leaf := time.Now(), a.leaf()
	id, err := ocspsvc.NewCertID(leaf, a.Issuer, crypto.SHA1)
	if err != nil {
		return err
	}
	single := ocspsvc.Single{CertID: id, Status: ocspsvc.Unknown, ThisUpdate: now, NextUpdate: now.Add(time.Minute)}
	der, err := a.sign(ocspsvc.Template{Singles: []ocspsvc.Single{single}, ProducedAt: now})
	if err != nil {
		return err
	}
	response, err := ocspsvc.ParseResponse(der)
	if err != nil {
		return err
	}
	_, err = ocspsvc.Verify(response, leaf, a.Issuer, now, ocspsvc.VerifyOptions{})
	return err
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
	return oddForm, id.MatchesIssuer(a.Issuer)
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

// keyOf is a certificate's key in the cache.
func (a *authority) keyOf(serial *big.Int) string {
	var room [64]byte
	size := (serial.BitLen() + 7) / 8
	key := append(room[:0], a.index, byte(serial.Sign()))
	key = append(key, make([]byte, size)...)
	serial.FillBytes(key[2:])
	return string(key)
}

// sign names itself by key, as RFC 9919 wants of new responders, and embeds the
// delegate.
func (a *authority) sign(t ocspsvc.Template) ([]byte, error) {
	t.Algorithm = a.algorithm
	if a.delegated {
		t.Certificates = []*x509.Certificate{a.Signer}
	}
	return t.SignDER(a.Signer, a.Key)
}
