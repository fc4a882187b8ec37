// Package pemfile reads certificates from the PEM files that a configuration
// names.
package pemfile

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"os"
)

// MaxSize is how many octets a file may have.
const MaxSize = 1 << 20

// Certificates returns all certificates of a PEM file, at least one. What else is
// in it, such as a key, is passed over.
func Certificates(name string) (certs []*x509.Certificate, err error) {
	rest, err := Read(name)
	if err != nil {
		return nil, err
	}
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 {
		return nil, fmt.Errorf("%s holds no certificate in PEM", name)
	}
	return certs, nil
}

// Read returns a file of at most MaxSize octets.
func Read(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, MaxSize+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxSize {
		return nil, fmt.Errorf("%s is larger than %d octets", name, MaxSize)
	}
	return data, nil
}
