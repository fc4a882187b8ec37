package ocsptest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"testing"
)

// KeyType is a kind of key, named as people say it.
type KeyType string

// The key types.
const (
	RSA     KeyType = "RSA"
	P256    KeyType = "P-256"
	P384    KeyType = "P-384"
	Ed25519 KeyType = "Ed25519"
)

// KeyTypes returns all of them.
func KeyTypes() []KeyType { return []KeyType{RSA, P256, P384, Ed25519} }

// NewKey makes a key. RSA keys have 2048 bits.
func NewKey(t testing.TB, kind KeyType) crypto.Signer {
	t.Helper()
	var key crypto.Signer
	var err error
	switch kind {
	case RSA:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case P256:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case P384:
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case Ed25519:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		t.Fatalf("unknown key type %q", kind)
	}
	if err != nil {
		t.Fatalf("making a key of type %s: %v", kind, err)
	}
	return key
}
