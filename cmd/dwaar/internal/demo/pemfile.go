package demo

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

func readCertificates(dir, name string) ([]*x509.Certificate, error) {
	rest, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	var certs []*x509.Certificate
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 {
		return nil, fmt.Errorf("%s: no certificate found", name)
	}
	return certs, nil
}

// readPair reads a certificate, the first of its file, and its key.
func readPair(dir, certFile, keyFile string) (*keyPair, error) {
	certs, err := readCertificates(dir, certFile)
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(filepath.Join(dir, keyFile))
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return nil, fmt.Errorf("%s: no key found", keyFile)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", keyFile, err)
	}
	ec, ok := key.(*ecdsa.PrivateKey)
	if !ok || !ec.PublicKey.Equal(certs[0].PublicKey) {
		return nil, fmt.Errorf("%s is not the key of %s", keyFile, certFile)
	}
	return &keyPair{certs[0], ec}, nil
}

func writeCertificates(dir, name string, certs ...*x509.Certificate) error {
	var out []byte
	for _, c := range certs {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return writeFile(dir, name, out, 0o644)
}

// writePair writes the key first: a certificate without its key would be taken
// for a broken pair, a key without its certificate for none.
func writePair(dir, certFile, keyFile string, pair *keyPair, above ...*x509.Certificate) error {
	der, err := x509.MarshalPKCS8PrivateKey(pair.key)
	if err != nil {
		return err
	}
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err := writeFile(dir, keyFile, key, 0o600); err != nil {
		return err
	}
	return writeCertificates(dir, certFile, append([]*x509.Certificate{pair.cert}, above...)...)
}

// writeFile replaces a file whole. What a crash loses is made again.
func writeFile(dir, name string, data []byte, mode fs.FileMode) error {
	tmp, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	if err = errors.Join(err, tmp.Chmod(mode), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing %s: %w", name, err), os.Remove(tmp.Name()))
	}
	return nil
}
