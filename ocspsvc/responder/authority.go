package responder

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"time"

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

// authority is an Authority ready for work.
type authority struct {
	Authority
	id        IssuerID
	delegated bool
	algorithm x509.SignatureAlgorithm
	names     [4]issuerHashes // by formOf
}

// issuerHashes are how a CertID names an issuer.
type issuerHashes struct {
	hash      crypto.Hash
	name, key []byte
}

// newAuthority checks that clients will believe what is going to be signed: it
// signs an answer and verifies it. So it refuses a key that is not the
// certificate's, and a delegate without OCSPSigning, of another issuer, or out
// of its dates.
func newAuthority(from Authority, pss bool) (*authority, error) {
	if from.Issuer == nil || from.Key == nil {
		return nil, errors.New("an OCSP signer needs an issuer and a key")
	}
	a := &authority{Authority: from, id: IssuerIDOf(from.Issuer)}
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

func (a *authority) nameIssuer() error {
	for i, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256, crypto.SHA384, crypto.SHA512} {
		id, err := ocspsvc.NewCertID(a.leaf(), a.Issuer, hash)
		if err != nil {
			return err
		}
		a.names[i] = issuerHashes{hash, id.NameHash, id.KeyHash}
	}
	return nil
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
	response, err := a.sign(ocspsvc.Template{Singles: []ocspsvc.Single{single}, ProducedAt: now})
	if err != nil {
		return err
	}
	_, err = ocspsvc.Verify(response, leaf, a.Issuer, now, ocspsvc.VerifyOptions{})
	return err
}

// issued reports whether a CertID names a certificate of this CA.
func (a *authority) issued(id *ocspsvc.CertID) bool {
	for i := range a.names {
		if a.names[i].hash == id.Hash {
			return bytes.Equal(a.names[i].key, id.KeyHash) && bytes.Equal(a.names[i].name, id.NameHash)
		}
	}
	return false
}

// sign names itself by key, as RFC 9919 wants of new responders, and embeds the
// delegate.
func (a *authority) sign(t ocspsvc.Template) (*ocspsvc.Response, error) {
	t.Algorithm = a.algorithm
	if a.delegated {
		t.Certificates = []*x509.Certificate{a.Signer}
	}
	return t.Sign(a.Signer, a.Key)
}
