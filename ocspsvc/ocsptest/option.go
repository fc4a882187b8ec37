package ocsptest

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"net"
	"testing"
	"time"
)

// Option changes a certificate before it is issued.
type Option func(*spec)

type spec struct {
	cert    *x509.Certificate // the template
	keyType KeyType
	key     crypto.Signer // made before, or nil
}

func newSpec(template *x509.Certificate, opts []Option) *spec {
	s := &spec{cert: template, keyType: P256}
	for _, opt := range opts {
		opt(s)
	}
	return s
}

func (s *spec) newKey(t testing.TB) crypto.Signer {
	t.Helper()
	if s.key != nil {
		return s.key
	}
	return NewKey(t, s.keyType)
}

// keyOnly keeps of opts what they say about the key's type.
func keyOnly(opts []Option) []Option {
	return []Option{Key(newSpec(&x509.Certificate{}, opts).keyType)}
}

// Key sets the key's type; P256 is the default.
func Key(kind KeyType) Option { return func(s *spec) { s.keyType = kind } }

// WithKey uses a key that exists, as a renewal may.
func WithKey(key crypto.Signer) Option { return func(s *spec) { s.key = key } }

// Modify changes the template in any other way.
func Modify(change func(*x509.Certificate)) Option { return func(s *spec) { change(s.cert) } }

// Name sets the subject's common name.
func Name(name string) Option {
	return Modify(func(cert *x509.Certificate) { cert.Subject.CommonName = name })
}

// Names sets the names and addresses the certificate is for, and the first as
// the common name.
func Names(names ...string) Option {
	return Modify(func(cert *x509.Certificate) {
		cert.DNSNames, cert.IPAddresses = nil, nil
		for _, name := range names {
			if ip := net.ParseIP(name); ip != nil {
				cert.IPAddresses = append(cert.IPAddresses, ip)
			} else {
				cert.DNSNames = append(cert.DNSNames, name)
			}
		}
		cert.Subject.CommonName = names[0]
	})
}

// Serial sets the serial number.
func Serial(n int64) Option {
	return Modify(func(cert *x509.Certificate) { cert.SerialNumber = big.NewInt(n) })
}

// OCSP sets the responder addresses (AIA).
func OCSP(urls ...string) Option {
	return Modify(func(cert *x509.Certificate) { cert.OCSPServer = urls })
}

// CAIssuers sets the addresses of the issuer's certificate (AIA).
func CAIssuers(urls ...string) Option {
	return Modify(func(cert *x509.Certificate) { cert.IssuingCertificateURL = urls })
}

// Validity sets from when and until when the certificate is valid, relative to
// now.
func Validity(from, until time.Duration) Option {
	return Modify(func(cert *x509.Certificate) {
		now := time.Now()
		cert.NotBefore, cert.NotAfter = now.Add(from), now.Add(until)
	})
}

// MustStaple adds the TLS feature extension of RFC 7633.
func MustStaple() Option {
	return extension(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}, []byte{0x30, 0x03, 0x02, 0x01, 0x05})
}

// NoRevAvail adds the extension of RFC 9608.
func NoRevAvail() Option { return extension(asn1.ObjectIdentifier{2, 5, 29, 56}, []byte{0x05, 0x00}) }

// NoCheck adds id-pkix-ocsp-nocheck; Delegate has it by default.
func NoCheck() Option {
	return extension(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}, []byte{0x05, 0x00})
}

func extension(id asn1.ObjectIdentifier, value []byte) Option {
	return Modify(func(cert *x509.Certificate) {
		cert.ExtraExtensions = append(cert.ExtraExtensions, pkix.Extension{Id: id, Value: value})
	})
}
