package issuing

import (
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/caddyserver/certmagic"
)

// verdict is why.json: with it, and so in one write, a certificate is in quarantine. The rest
// is moving files, which may be interrupted and is finished later.
type verdict struct {
	Name        string    `json:"name"`
	Issuer      string    `json:"issuer"`
	Fingerprint string    `json:"fingerprint"` // SHA-256 of the leaf
	Why         string    `json:"why"`
	At          time.Time `json:"at"`
}

// Quarantine takes a certificate and its key out of use for good: Load never returns it
// again, and its files are moved to quarantine/<issuer>/<serial>/. A certificate that has
// replaced it meanwhile stays. It is idempotent; killed at any moment, it leaves nothing that
// would load.
func (i *Issuing) Quarantine(ctx context.Context, cert *Certificate, why string) error {
	err := i.whileIssuing(ctx, cert.Name, func() error {
		if err := i.condemn(ctx, cert, why); err != nil {
			return err
		}
		return i.evict(ctx, cert.Issuer, cert.Name, cert.Leaf)
	})
	if err != nil {
		return fmt.Errorf("putting the certificate %s of %s into quarantine: %w", cert.Leaf.SerialNumber.Text(16), cert.Name, err)
	}
	return nil
}

// condemn writes the verdict, unless there is one.
func (i *Issuing) condemn(ctx context.Context, cert *Certificate, why string) error {
	if out, err := i.isQuarantined(ctx, cert.Issuer, cert.Leaf); out || err != nil {
		return err
	}
	sum := sha256.Sum256(cert.Leaf.Raw)
	text, err := json.MarshalIndent(verdict{
		Name: cert.Name, Issuer: cert.Issuer, Fingerprint: hex.EncodeToString(sum[:]), Why: why, At: time.Now().UTC(),
	}, "", "\t")
	if err != nil {
		return err
	}
	return i.storage.Store(ctx, verdictKey(cert.Issuer, cert.Leaf), text)
}

func (i *Issuing) isQuarantined(ctx context.Context, issuer string, leaf *x509.Certificate) (bool, error) {
	return i.storage.Exists(ctx, verdictKey(issuer, leaf))
}

func verdictKey(issuer string, leaf *x509.Certificate) string {
	return path.Join(quarantineDir(issuer, leaf.SerialNumber), "why.json")
}

// evict moves what is stored of a leaf. Everything is copied before anything is deleted, and
// of what is deleted the key goes first.
func (i *Issuing) evict(ctx context.Context, issuer, name string, leaf *x509.Certificate) error {
	site, out := siteFiles(issuer, name), quarantined(issuer, name, leaf.SerialNumber)
	var gone []string
	move := func(from, to string, value []byte) error {
		gone = append(gone, from)
		return i.storage.Store(ctx, to, value)
	}
	if key, err := i.loadIf(ctx, site.key, func(text []byte) bool { return keyOf(text, leaf) }); err != nil {
		return err
	} else if key != nil {
		err := move(site.key, out.key, key)
		if err != nil {
			return err
		}
	}
	cert, err := i.loadIf(ctx, site.cert, func(text []byte) bool { return leaf.Equal(first(text)) })
	if err != nil {
		return err
	}
	if cert != nil {
		meta, err := i.loadIf(ctx, site.meta, func([]byte) bool { return true })
		if err != nil {
			return err
		}
		if err := errors.Join(move(site.cert, out.cert, cert), move(site.meta, out.meta, meta)); err != nil {
			return err
		}
	}
	if waiting, err := i.loadPending(ctx, issuer, name); err == nil && waiting.Leaf.Equal(leaf) {
		err := errors.Join(move(pendingKey(issuer, name), out.cert, waiting.CertPEM), move(pendingKey(issuer, name), out.key, waiting.KeyPEM))
		if err != nil {
			return err
		}
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, key := range gone {
		if err := i.storage.Delete(ctx, key); err != nil {
			return err
		}
	}
	return nil
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

// keyOf reports whether a PEM file holds the key of a leaf.
func keyOf(text []byte, leaf *x509.Certificate) bool {
	key, err := certmagic.PEMDecodePrivateKey(text)
	if err != nil {
		return false
	}
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(leaf.PublicKey)
}
