package localca

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"time"
)

// caTemplate is a CA certificate for key. Its subject is unlike that of any other: two
// roots of the same name in one trust store would stand in each other's way.
func caTemplate(name string, key crypto.PublicKey, lifetime time.Duration) (*x509.Certificate, error) {
	spki, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(spki)
	return &x509.Certificate{
		Subject:               pkix.Name{CommonName: fmt.Sprintf("dwaar local CA %s %x", name, sum[:4])},
		NotBefore:             time.Now().Add(-backdated),
		NotAfter:              time.Now().Add(lifetime),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}, nil
}

// noRevAvail is the extension of RFC 9608: a NULL that says no revocation information
// will ever be available.
var noRevAvail = pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 56}, Value: asn1.NullBytes}

// leafTemplate takes nothing but the names from csr. Without a subject the names are a
// critical extension (RFC 5280 §4.2.1.6), which crypto/x509 sees to.
func leafTemplate(csr *x509.CertificateRequest) *x509.Certificate {
	return &x509.Certificate{
		NotBefore:             time.Now().Add(-backdated),
		NotAfter:              time.Now().Add(LeafLifetime),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		DNSNames:              csr.DNSNames,
		IPAddresses:           csr.IPAddresses,
		ExtraExtensions:       []pkix.Extension{noRevAvail},
	}
}
