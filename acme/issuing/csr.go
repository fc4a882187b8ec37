package issuing

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"net"

	"github.com/caddyserver/certmagic"
)

var keyTypes = map[string]certmagic.KeyType{
	"":        certmagic.P256,
	"p256":    certmagic.P256,
	"p384":    certmagic.P384,
	"rsa2048": certmagic.RSA2048,
	"rsa4096": certmagic.RSA4096,
	"ed25519": certmagic.ED25519,
}

// mustStaple is the TLS feature status_request (RFC 7633 §4.2.3.1).
var mustStaple = pkix.Extension{
	Id:    asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24},
	Value: []byte{0x30, 3, 2, 1, 5},
}

// newRequest makes a key and the request for its certificate. Every certificate has a key of
// its own; none is used twice.
func newRequest(p Policy, name string) (csr *x509.CertificateRequest, keyPEM []byte, err error) {
	key, err := certmagic.StandardKeyGenerator{KeyType: keyTypes[p.KeyType]}.GenerateKey()
	if err != nil {
		return nil, nil, fmt.Errorf("making a key: %w", err)
	}
	if keyPEM, err = certmagic.PEMEncodePrivateKey(key); err != nil {
		return nil, nil, fmt.Errorf("making a key: %w", err)
	}
	template := &x509.CertificateRequest{DNSNames: []string{name}}
	if ip := net.ParseIP(name); ip != nil {
		template.DNSNames, template.IPAddresses = nil, []net.IP{ip}
	}
	if p.MustStaple {
		template.ExtraExtensions = []pkix.Extension{mustStaple}
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		return nil, nil, fmt.Errorf("making a request for %s: %w", name, err)
	}
	csr, err = x509.ParseCertificateRequest(der)
	return csr, keyPEM, err
}
