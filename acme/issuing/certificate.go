package issuing

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"time"
)

// Certificate is a certificate with its key, as it lies in storage. It is not changed.
type Certificate struct {
	Name    string
	Issuer  string            // its key in storage: "acme-v02.api.letsencrypt.org-directory", "local"
	CertPEM []byte            // leaf first, without the root
	KeyPEM  []byte            // belongs to the leaf
	Leaf    *x509.Certificate // parsed from CertPEM

	meta json.RawMessage // what the issuer said about it
}

// RenewOptions says which certificate is to be replaced.
type RenewOptions struct {
	// Replaces is the one the caller knows. If storage holds a newer one, somebody else was
	// faster: it is returned, and nothing is ordered. Without it, what is in storage is
	// replaced whatever it is.
	Replaces *Certificate
}

// parse makes a Certificate of PEM whose key belongs to the leaf, and whose leaf is for the
// name.
func parse(issuer, name string, certPEM, keyPEM []byte) (*Certificate, error) {
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return nil, err
	}
	if !isFor(leaf, name) {
		return nil, fmt.Errorf("the certificate is for %v", append(leaf.DNSNames, addresses(leaf)...))
	}
	return &Certificate{Name: name, Issuer: issuer, CertPEM: certPEM, KeyPEM: keyPEM, Leaf: leaf}, nil
}

// isFor reports whether leaf may be served for a name, which may be a wildcard itself.
func isFor(leaf *x509.Certificate, name string) bool {
	return slices.Contains(leaf.DNSNames, name) || leaf.VerifyHostname(name) == nil
}

func addresses(leaf *x509.Certificate) []string {
	var all []string
	for _, ip := range leaf.IPAddresses {
		all = append(all, net.IP(ip).String())
	}
	return all
}

// expired looks at the end only: one that has not begun was issued by a CA whose clock is
// ahead of ours.
func (c *Certificate) expired(now time.Time) bool { return !now.Before(c.Leaf.NotAfter) }

// newer reports whether c was issued after d, which may be nil.
func (c *Certificate) newer(d *Certificate) bool {
	return d == nil || c.Leaf.NotBefore.After(d.Leaf.NotBefore)
}

// replaced reports whether c has taken the place of d.
func (c *Certificate) replaced(d *Certificate) bool { return !c.Leaf.Equal(d.Leaf) && !d.newer(c) }
