package demo

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"net"
	"time"
)

// Lifetimes of the demo's certificates. They are re-made when less than
// renewBefore is left.
const (
	caLifetime   = 5 * 365 * 24 * time.Hour
	leafLifetime = 90 * 24 * time.Hour
	renewBefore  = 24 * time.Hour
)

// keyPair is a certificate and the key it is about.
type keyPair struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// issue signs a certificate from template for a new key. A nil issuer signs itself.
func issue(template *x509.Certificate, lifetime time.Duration, issuer *keyPair) (*keyPair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template.SerialNumber = serial.Add(serial, big.NewInt(1))
	template.NotBefore, template.NotAfter = now.Add(-time.Hour), now.Add(lifetime)
	parent, signer := template, key
	if issuer != nil {
		parent, signer = issuer.cert, issuer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		return nil, fmt.Errorf("issuing %s: %w", template.Subject.CommonName, err)
	}
	cert, err := x509.ParseCertificate(der)
	return &keyPair{cert, key}, err
}

func newRoot() (*keyPair, error) {
	return issue(caTemplate("dwaar demo root", 1), caLifetime, nil)
}

func newIntermediate(root *keyPair) (*keyPair, error) {
	return issue(caTemplate("dwaar demo intermediate", 0), caLifetime, root)
}

func caTemplate(name string, below int) *x509.Certificate {
	return &x509.Certificate{
		Subject:               pkix.Name{Organization: []string{"dwaar demo"}, CommonName: name},
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true, IsCA: true, MaxPathLen: below, MaxPathLenZero: below == 0,
	}
}

// newSigner is a delegate: the intermediate lets it sign OCSP responses and
// nothing else (RFC 6960 §4.2.2.2), and nobody needs to check it in turn
// (§4.2.2.2.1).
func newSigner(intermediate *keyPair) (*keyPair, error) {
	return issue(&x509.Certificate{
		Subject:         pkix.Name{Organization: []string{"dwaar demo"}, CommonName: "dwaar demo OCSP signer"},
		KeyUsage:        x509.KeyUsageDigitalSignature,
		ExtKeyUsage:     []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning},
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}, Value: asn1.NullBytes}},
	}, leafLifetime, intermediate)
}

// newLeaf is what the demo's proxy serves; its AIA extension names the responder.
func newLeaf(intermediate *keyPair, responderURL string) (*keyPair, error) {
	return issue(&x509.Certificate{
		Subject:     pkix.Name{CommonName: "localhost"},
		DNSNames:    []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		OCSPServer:  []string{responderURL},
	}, leafLifetime, intermediate)
}
