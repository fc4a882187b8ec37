package tlsstore

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// signer is a private key that can be compared with a certificate's public key.
type signer interface {
	crypto.Signer
	Equal(crypto.PrivateKey) bool
}

// minRSA is the shortest RSA key crypto/tls signs with, in bits.
const minRSA = 1024

// parseKeys returns every private key of a PEM text, in order; at least one. Other blocks,
// such as EC PARAMETERS or certificates, are passed over.
func parseKeys(data []byte) ([]signer, error) {
	blocks, err := pemBlocks(data, "openssl pkey -inform DER -in FILE -out FILE.pem")
	if err != nil {
		return nil, err
	}
	var keys []signer
	for _, block := range blocks {
		if !strings.HasSuffix(block.Type, "PRIVATE KEY") {
			continue
		}
		key, err := parseKey(block)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("no private key in it (PEM block PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY), only %s", kinds(blocks))
	}
	return keys, nil
}

// parseKey decodes one block: PKCS#8, PKCS#1 or SEC1, whatever its label says.
func parseKey(block *pem.Block) (signer, error) {
	if block.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") {
		return nil, errors.New("the private key is encrypted, and there is nobody to ask for its password; decrypt it: openssl pkey -in FILE -out FILE.key")
	}
	if block.Type == "OPENSSH PRIVATE KEY" {
		return nil, errors.New("the private key is in OpenSSH's own format; convert it: ssh-keygen -p -m PEM -f FILE")
	}
	key, err := decode(block)
	if err != nil {
		return nil, fmt.Errorf("the private key is damaged or of an unknown kind: %w", err)
	}
	return usable(key)
}

// decode tries the encoding that the label promises (RFC 7468 §10, RFC 5915 §4), then the
// others; if none fits, the promised one's error says why.
func decode(block *pem.Block) (any, error) {
	pkcs8 := func(der []byte) (any, error) { return x509.ParsePKCS8PrivateKey(der) }
	pkcs1 := func(der []byte) (any, error) { return x509.ParsePKCS1PrivateKey(der) }
	sec1 := func(der []byte) (any, error) { return x509.ParseECPrivateKey(der) }
	decoders := []func([]byte) (any, error){pkcs8, pkcs1, sec1}
	switch block.Type {
	case "RSA PRIVATE KEY":
		decoders = []func([]byte) (any, error){pkcs1, pkcs8}
	case "EC PRIVATE KEY":
		decoders = []func([]byte) (any, error){sec1, pkcs8}
	}
	var first error
	for _, decode := range decoders {
		key, err := decode(block.Bytes)
		if err == nil {
			return key, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// usable returns the key if crypto/tls can sign with it.
func usable(key any) (signer, error) {
	switch key := key.(type) {
	case *rsa.PrivateKey:
		if bits := key.N.BitLen(); bits < minRSA {
			return nil, fmt.Errorf("the RSA key has only %d bits; make one of 2048 or more", bits)
		}
		return key, nil
	case *ecdsa.PrivateKey:
		if key.Curve == elliptic.P224() {
			return nil, errors.New("TLS has no curve P-224; make a key on P-256 or P-384")
		}
		return key, nil
	case ed25519.PrivateKey:
		return key, nil
	}
	return nil, fmt.Errorf("a key of type %T cannot sign handshakes; make an RSA, ECDSA or Ed25519 key", key)
}

// describe names keys for an error, without giving anything of them away.
func describe(keys []signer) string {
	var words []string
	for _, key := range keys {
		switch public := key.Public().(type) {
		case *rsa.PublicKey:
			words = append(words, fmt.Sprintf("RSA %d bits", public.N.BitLen()))
		case *ecdsa.PublicKey:
			words = append(words, "ECDSA "+public.Params().Name)
		default:
			words = append(words, "Ed25519")
		}
	}
	return strings.Join(words, ", ")
}
