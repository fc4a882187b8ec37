package localca

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxNames bounds the names of one certificate; a handshake carries them all.
const maxNames = 100

// oidTLSFeature marks a must-staple request (RFC 7633).
var oidTLSFeature = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}

// check says why csr gets no certificate, or nil. The subject's common name counts for
// nothing, as with clients.
func check(csr *x509.CertificateRequest) error {
	if err := csr.CheckSignature(); err != nil {
		return fmt.Errorf("not signed by its own key: %w", err)
	}
	if err := checkKey(csr.PublicKey); err != nil {
		return err
	}
	for _, e := range csr.Extensions {
		if e.Id.Equal(oidTLSFeature) {
			return errors.New("it asks for must-staple, and the local CA has no OCSP responder")
		}
	}
	return checkNames(csr)
}

func checkKey(key any) error {
	switch key := key.(type) {
	case *ecdsa.PublicKey:
		if bits := key.Curve.Params().BitSize; bits < 256 {
			return fmt.Errorf("an ECDSA key of %d bits is too short", bits)
		}
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < 2048 || bits > 8192 {
			return fmt.Errorf("an RSA key has 2048 to 8192 bits, this one %d", bits)
		}
	case ed25519.PublicKey:
	default:
		return fmt.Errorf("keys of type %T are not supported", key)
	}
	return nil
}

func checkNames(csr *x509.CertificateRequest) error {
	switch n := len(csr.DNSNames) + len(csr.IPAddresses); {
	case len(csr.EmailAddresses)+len(csr.URIs) > 0:
		return errors.New("only DNS names and IP addresses are certified")
	case n == 0:
		return errors.New("it names no DNS name and no IP address")
	case n > maxNames:
		return fmt.Errorf("it has %d names, over the limit of %d", n, maxNames)
	}
	for _, name := range csr.DNSNames {
		if !isDNSName(name) {
			return fmt.Errorf("%q is not a DNS name", name)
		}
	}
	for _, ip := range csr.IPAddresses {
		if len(ip) != 4 && len(ip) != 16 {
			return fmt.Errorf("an IP address has 4 or 16 bytes, not %d", len(ip))
		}
	}
	return nil
}

func namesOf(csr *x509.CertificateRequest) string {
	names := slices.Clone(csr.DNSNames)
	for _, ip := range csr.IPAddresses {
		names = append(names, ip.String())
	}
	return strings.Join(names, ", ")
}
