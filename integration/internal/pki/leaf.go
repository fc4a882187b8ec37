package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"testing"
	"time"
)

// Request says what a leaf shall look like. Names is required.
type Request struct {
	Names      []string
	OCSP       []string // AIA OCSP URLs
	CAIssuers  []string // AIA caIssuers URLs
	CRL        []string // CRL distribution points
	MustStaple bool     // RFC 7633
	NoRevAvail bool     // RFC 9608
	Key        crypto.Signer
	Lifetime   time.Duration // 90 days if zero
}

// Leaf is a server certificate with its key and issuer.
type Leaf struct {
	Cert   *x509.Certificate
	Key    crypto.Signer
	Issuer *Authority
}

// Issue signs a leaf for r.
func (a *Authority) Issue(t testing.TB, r Request) *Leaf {
	t.Helper()
	if r.Key == nil {
		r.Key = p256(t)
	}
	if r.Lifetime == 0 {
		r.Lifetime = 90 * 24 * time.Hour
	}
	template := &x509.Certificate{
		SerialNumber:          serial(t),
		Subject:               pkix.Name{CommonName: r.Names[0]},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(r.Lifetime),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		OCSPServer:            r.OCSP,
		IssuingCertificateURL: r.CAIssuers,
		CRLDistributionPoints: r.CRL,
		ExtraExtensions:       r.extensions(),
	}
	for _, name := range r.Names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
			continue
		}
		template.DNSNames = append(template.DNSNames, name)
	}
	return &Leaf{Cert: sign(t, template, a, r.Key.Public()), Key: r.Key, Issuer: a}
}

func (r Request) extensions() []pkix.Extension {
	var out []pkix.Extension
	if r.MustStaple {
		out = append(out, pkix.Extension{
			Id: []int{1, 3, 6, 1, 5, 5, 7, 1, 24}, Value: []byte{0x30, 3, 2, 1, 5},
		})
	}
	if r.NoRevAvail {
		out = append(out, pkix.Extension{Id: []int{2, 5, 29, 56}, Value: []byte{5, 0}})
	}
	return out
}

// Chain is the leaf and its intermediates, as DER, leaf first and without the root.
func (l *Leaf) Chain() [][]byte {
	chain := [][]byte{l.Cert.Raw}
	for a := l.Issuer; a.Parent != nil; a = a.Parent {
		chain = append(chain, a.Cert.Raw)
	}
	return chain
}

// ECKey is the key of a leaf that was issued without asking for a kind of key.
func (l *Leaf) ECKey() *ecdsa.PrivateKey { return l.Key.(*ecdsa.PrivateKey) }

// SelfSigned is a server certificate that nobody else vouches for.
func SelfSigned(t testing.TB, name, ocsp string) *Leaf {
	t.Helper()
	own := &Authority{Key: p256(t)}
	own.Cert = &x509.Certificate{Subject: pkix.Name{CommonName: name}}
	return own.Issue(t, Request{Names: []string{name}, OCSP: []string{ocsp}, Key: own.Key})
}
