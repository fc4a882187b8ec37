package upstream

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"
)

// files is the text of the files that a transport needs. It tells pools of
// connections apart, so that a file that changed means another pool.
type files struct{ roots, certificate, key string }

// read reads the files of t. They are found in order, too.
func (t Transport) read() (files, error) {
	var f files
	if t.TLS == nil {
		return f, nil
	}
	var all strings.Builder
	for _, file := range t.TLS.Roots {
		pem, err := os.ReadFile(file)
		if err != nil {
			return f, fmt.Errorf("reading upstream CA: %w", err)
		}
		if !x509.NewCertPool().AppendCertsFromPEM(pem) {
			return f, fmt.Errorf("reading upstream CA %s: no certificate in it", file)
		}
		all.Write(pem)
		all.WriteByte('\n')
	}
	f.roots = all.String()
	return f, f.readClient(t.TLS)
}

// readClient reads who dwaar is to the upstream.
func (f *files) readClient(t *TLS) error {
	if t.Certificate == "" {
		return nil
	}
	certificate, err := os.ReadFile(t.Certificate)
	if err != nil {
		return fmt.Errorf("reading the client certificate: %w", err)
	}
	key, err := os.ReadFile(t.Key)
	if err != nil {
		return fmt.Errorf("reading the key of the client certificate: %w", err)
	}
	f.certificate, f.key = string(certificate), string(key)
	if _, err := tls.X509KeyPair(certificate, key); err != nil {
		return fmt.Errorf("the client certificate %s with the key %s: %w", t.Certificate, t.Key, err)
	}
	return nil
}
