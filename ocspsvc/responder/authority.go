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
	index     byte // among all
	id        IssuerID
	delegated bool
	algorithm x509.SignatureAlgorithm
	prefixes  [forms][]byte             // of a CertID's content, up to its serial
	names     [forms / 2]ocspsvc.CertID // of a leaf that does not exist
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

// sign names itself by key, as RFC 9919 wants of new responders, and embeds the
// delegate.
func (a *authority) sign(t ocspsvc.Template) ([]byte, error) {
	t.Algorithm = a.algorithm
	if a.delegated {
		t.Certificates = []*x509.Certificate{a.Signer}
	}
	return t.SignDER(a.Signer, a.Key)
}
