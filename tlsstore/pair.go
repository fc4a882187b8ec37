package tlsstore

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"math/big"
	"time"
	"unique"
)

// Source says where a certificate comes from, in the words of the status.
type Source string

const (
	SourceManual   Source = "manual"    // a chain and a key that the operator has put into files
	SourceACME     Source = "acme"      // issued by an ACME CA for a site
	SourceInternal Source = "internal"  // issued by the local CA
	SourceOnDemand Source = "on_demand" // got when a client first asked for its name
)

// Pair is a certificate chain with its private key, and what a catalog wants to know of it.
// It does not change after it was made.
type Pair struct {
	// Certificate has the leaf first. Its Leaf is nil: a parsed certificate takes several
	// times the memory of its DER.
	Certificate tls.Certificate

	Source      Source
	Fingerprint Fingerprint
	Serial      string   // lower-case hexadecimal, whole bytes
	Issuer      string   // distinguished name (RFC 2253)
	Names       []string // subject alternative names: DNS names, then IP addresses
	NotBefore   time.Time
	NotAfter    time.Time
	MustStaple  bool // RFC 7633: clients may refuse it without a staple

	files *files // where it was read from; nil if from memory
}

// LoadPair reads a chain and its key from PEM files; both may be the same file. The leaf is
// the certificate that matches the key, wherever in the file it is. Expired certificates
// load, see Warning. An error names the file, what is wrong and what to do.
func LoadPair(certFile, keyFile string) (*Pair, error) {
	from, certPEM, keyPEM, err := readFiles(certFile, keyFile)
	if err != nil {
		return nil, err
	}
	pair, err := parsePair(certPEM, keyPEM, "certificate file "+certFile, "key file "+keyFile)
	if err != nil {
		return nil, err
	}
	pair.files = from
	return pair, nil
}

// ParsePair is LoadPair for PEM that is in memory.
func ParsePair(certPEM, keyPEM []byte) (*Pair, error) {
	return parsePair(certPEM, keyPEM, "certificate", "key")
}

// parsePair calls its inputs by the given names in errors.
func parsePair(certPEM, keyPEM []byte, certName, keyName string) (*Pair, error) {
	certs, err := parseCertificates(certPEM)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", certName, err)
	}
	keys, err := parseKeys(keyPEM)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", keyName, err)
	}
	leaf, key := match(certs, keys)
	if leaf == nil {
		return nil, fmt.Errorf("%s: no certificate in it belongs to the key of %s (%s); give the key the certificate was made for",
			certName, keyName, describe(keys))
	}
	return newPair(order(leaf, certs), key), nil
}

func newPair(chain []*x509.Certificate, key signer) *Pair {
	leaf := chain[0]
	p := &Pair{
		Certificate: tls.Certificate{PrivateKey: key},
		Source:      SourceManual,
		Fingerprint: sha256.Sum256(leaf.Raw),
		Serial:      serialHex(leaf.SerialNumber),
		Issuer:      unique.Make(leaf.Issuer.String()).Value(), // shared: most pairs have few issuers
		Names:       leaf.DNSNames,
		NotBefore:   leaf.NotBefore.UTC(),
		NotAfter:    leaf.NotAfter.UTC(),
		MustStaple:  mustStaple(leaf),
	}
	for _, ip := range leaf.IPAddresses {
		p.Names = append(p.Names, ip.String())
	}
	for _, cert := range chain {
		p.Certificate.Certificate = append(p.Certificate.Certificate, bytes.Clone(cert.Raw)) // Raw is part of a larger buffer
	}
	return p
}

// From returns the pair as one of another source; p stays as it is.
func (p *Pair) From(source Source) *Pair {
	q := *p
	q.Source = source
	return &q
}

func (p *Pair) hasBody() bool {
	return len(p.Certificate.Certificate) > 0 && p.Certificate.PrivateKey != nil
}

// Warning says what keeps clients from accepting the certificate at a time although it can
// be served, or "" if its validity does not.
func (p *Pair) Warning(now time.Time) string {
	switch now = now.Round(0); {
	case now.After(p.NotAfter):
		return "the certificate expired at " + p.NotAfter.Format(time.RFC3339)
	case now.Before(p.NotBefore):
		return "the certificate is not valid before " + p.NotBefore.Format(time.RFC3339)
	}
	return ""
}

func serialHex(serial *big.Int) string {
	if serial.Sign() == 0 {
		return "00"
	}
	return hex.EncodeToString(serial.Bytes())
}
