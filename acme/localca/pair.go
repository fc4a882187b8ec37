package localca

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// pair is a CA certificate with its key.
type pair struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// The two pairs in storage, pki/local/NAME.crt and pki/local/NAME.key.
const (
	rootName         = "root"
	intermediateName = "intermediate"
	prefix           = "pki/local/"
)

// makePair generates a P-256 key and has parent certify it; without a parent it certifies
// itself.
func makePair(name string, lifetime time.Duration, parent *pair) (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, err
	}
	template, err := caTemplate(name, key.Public(), lifetime)
	if err != nil {
		return pair{}, err
	}
	template.MaxPathLen, template.MaxPathLenZero = 0, true // the intermediate certifies leaves only
	if parent == nil {
		template.MaxPathLen = 1
		parent = &pair{cert: template, key: key}
	}
	cert, err := parent.sign(template, key.Public())
	return pair{cert, key}, err
}

// store writes p so that whoever is killed in between leaves no pair that does not match:
// the certificate goes first and comes last, and a key without certificate counts as nothing.
func (ca *CA) store(ctx context.Context, name string, p pair) error {
	der, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		return err
	}
	if err := ca.storage.Delete(ctx, prefix+name+".crt"); err != nil {
		return err
	}
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err := ca.storage.Store(ctx, prefix+name+".key", key); err != nil {
		return err
	}
	return ca.storage.Store(ctx, prefix+name+".crt", encodeCertificate(p.cert))
}

// errDamaged is a pair that is there, and useless.
var errDamaged = errors.New("damaged")

// load reads a pair that matches. Without the certificate the error is fs.ErrNotExist,
// whatever else is there; with one that is of no use it is errDamaged.
func (ca *CA) load(ctx context.Context, name string) (pair, error) {
	certPEM, err := ca.storage.Load(ctx, prefix+name+".crt")
	if err != nil {
		return pair{}, err
	}
	keyPEM, err := ca.storage.Load(ctx, prefix+name+".key")
	if errors.Is(err, fs.ErrNotExist) {
		return pair{}, fmt.Errorf("%s%s.crt is %w: its key is gone", prefix, name, errDamaged)
	}
	if err != nil {
		return pair{}, err
	}
	p, err := parsePair(certPEM, keyPEM)
	if err != nil {
		return pair{}, fmt.Errorf("%s%s.crt or .key is %w: %w", prefix, name, errDamaged, err)
	}
	return p, nil
}

func parsePair(certPEM, keyPEM []byte) (pair, error) {
	certBlock, _ := pem.Decode(certPEM)
	keyBlock, _ := pem.Decode(keyPEM)
	if certBlock == nil || keyBlock == nil {
		return pair{}, errors.New("not PEM")
	}
	cert, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		return pair{}, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(keyBlock.Bytes)
	if err != nil {
		return pair{}, err
	}
	key, ok := parsed.(crypto.Signer)
	if !ok || !samePublicKey(cert.PublicKey, key.Public()) {
		return pair{}, errors.New("the key is not the certificate's")
	}
	return pair{cert, key}, nil
}

func samePublicKey(a, b crypto.PublicKey) bool {
	x, errX := x509.MarshalPKIXPublicKey(a)
	y, errY := x509.MarshalPKIXPublicKey(b)
	return errors.Join(errX, errY) == nil && bytes.Equal(x, y)
}

func encodeCertificate(cert *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
}
