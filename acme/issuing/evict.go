package issuing

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"slices"

	"github.com/caddyserver/certmagic"
)

// evict moves what is stored of a leaf. Everything is copied before anything is deleted, and
// of what is deleted the key goes first.
func (i *Issuing) evict(ctx context.Context, issuer, name string, leaf *x509.Certificate) error {
	moves, err := i.movesOf(ctx, issuer, name, leaf)
	if err != nil {
		return err
	}
	for _, m := range moves {
		if err := i.storage.Store(ctx, m.to, m.value); err != nil {
			return err
		}
	}
	for _, m := range moves {
		if err := i.storage.Delete(ctx, m.from); err != nil {
			return err
		}
	}
	return nil
}

// move is one value that goes to quarantine.
type move struct {
	from, to string
	value    []byte
}

// movesOf finds what is stored of a leaf, in the order it is to be deleted.
func (i *Issuing) movesOf(ctx context.Context, issuer, name string, leaf *x509.Certificate) ([]move, error) {
	site, out := siteFiles(issuer, name), quarantined(issuer, name, leaf.SerialNumber)
	key, keyErr := i.loadIf(ctx, site.key, func(text []byte) bool { return isKeyOf(text, leaf) })
	cert, certErr := i.loadIf(ctx, site.cert, func(text []byte) bool { return leaf.Equal(first(text)) })
	meta, metaErr := i.loadIf(ctx, site.meta, func([]byte) bool { return cert != nil })
	moves := []move{{site.key, out.key, key}, {site.cert, out.cert, cert}, {site.meta, out.meta, meta}}
	arriving, err := i.loadPending(ctx, issuer, name)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if arriving != nil && arriving.Leaf.Equal(leaf) {
		from := pendingKey(issuer, name)
		moves = append(moves, move{from, out.key, arriving.KeyPEM}, move{from, out.cert, arriving.CertPEM})
	}
	there := slices.DeleteFunc(moves, func(m move) bool { return m.value == nil })
	return there, errors.Join(keyErr, certErr, metaErr, err)
}

// settleQuarantine finishes an eviction that was interrupted.
func (i *Issuing) settleQuarantine(ctx context.Context, issuer, name string) error {
	text, err := i.loadIf(ctx, siteFiles(issuer, name).cert, func([]byte) bool { return true })
	leaf := first(text)
	if err != nil || leaf == nil {
		return err
	}
	if out, err := i.isQuarantined(ctx, issuer, leaf); err != nil || !out {
		return err
	}
	return i.evict(ctx, issuer, name, leaf)
}

// loadIf returns nil if the key is not there, or is not wanted.
func (i *Issuing) loadIf(ctx context.Context, key string, wanted func([]byte) bool) ([]byte, error) {
	value, err := i.storage.Load(ctx, key)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !wanted(value) {
		return nil, nil
	}
	return value, err
}

// first is the first certificate of a PEM file, or nil.
func first(text []byte) *x509.Certificate {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil
	}
	return leaf
}

// isKeyOf reports whether a PEM file holds the key of a leaf.
func isKeyOf(text []byte, leaf *x509.Certificate) bool {
	key, err := certmagic.PEMDecodePrivateKey(text)
	if err != nil {
		return false
	}
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(leaf.PublicKey)
}
