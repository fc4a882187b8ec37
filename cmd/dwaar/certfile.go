package main

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"dwaar/ocspsvc"
)

// maxFile bounds what is read from a file the user names: a bundle of all public
// roots is a quarter of a megabyte.
const maxFile = 4 << 20

// readBounded reads at most limit bytes and says so if there are more.
func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%s is over %d bytes large", path, limit)
	}
	return b, nil
}

// readCertificates reads every certificate of a PEM file, or the one of a DER
// file. Blocks that are no certificates are passed over: chain files may hold keys.
func readCertificates(path string) ([]*x509.Certificate, error) {
	raw, err := readBounded(path, maxFile)
	if err != nil {
		return nil, err
	}
	certs, err := parseCertificates(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return certs, nil
}

var errNoCertificate = errors.New("no certificate found")

func parseCertificates(raw []byte) ([]*x509.Certificate, error) {
	if cert, err := x509.ParseCertificate(raw); err == nil {
		return []*x509.Certificate{cert}, nil
	}
	var certs []*x509.Certificate
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", len(certs)+1, err)
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 {
		return nil, errNoCertificate
	}
	return certs, nil
}

// leafOf is the certificate that issued none of the others, the first of them if
// there are several: chain files come in any order.
func leafOf(certs []*x509.Certificate) *x509.Certificate {
	for _, c := range certs {
		if !slices.ContainsFunc(certs, func(other *x509.Certificate) bool {
			return other != c && ocspsvc.FindIssuer(other, []*x509.Certificate{c}) != nil
		}) {
			return c
		}
	}
	return certs[0]
}
