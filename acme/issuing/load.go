package issuing

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// readAgain bounds how often a pair is read again that another process may be replacing.
const readAgain = 3

// Load returns the newest certificate for a name that any issuer of p has issued: one whose
// key belongs to it, that has not expired and is not in quarantine. Without one the error is
// fs.ErrNotExist. Any other error means that storage cannot tell.
func (i *Issuing) Load(ctx context.Context, p Policy, name string) (*Certificate, error) {
	var newest *Certificate
	var errs []error
	for _, c := range p.Issuers {
		cert, err := i.loadFrom(ctx, c.key(), name)
		if err == nil && cert.newer(newest) {
			newest = cert
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	if newest != nil {
		return newest, nil
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("loading the certificate for %s: %w", name, errors.Join(errs...))
	}
	return nil, fmt.Errorf("loading the certificate for %s: %w", name, fs.ErrNotExist)
}

// loadFrom looks at one issuer: at the files, and at what is on its way into them. While
// another process replaces the files they may be no pair, so they are read again.
func (i *Issuing) loadFrom(ctx context.Context, issuer, name string) (*Certificate, error) {
	for n := 1; ; n++ {
		filed, filesErr := i.loadFiles(ctx, issuer, name)
		arriving, err := i.loadPending(ctx, issuer, name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		newest, err := i.newestUsable(ctx, arriving, filed) // of the same second, what arrives is newer
		if newest != nil || err != nil {
			return newest, err
		}
		if !errors.Is(filesErr, errMixed) {
			return nil, cmp.Or(filesErr, error(fs.ErrNotExist))
		}
		if n == readAgain {
			i.log.Warn("ignoring a stored certificate", "names", name, "issuer", issuer, "err", filesErr)
			return nil, fs.ErrNotExist
		}
	}
}

// errMixed says that a certificate and a key are there that are no pair for the name.
var errMixed = errors.New("not a certificate and its key")

func (i *Issuing) loadFiles(ctx context.Context, issuer, name string) (*Certificate, error) {
	site := siteFiles(issuer, name)
	certPEM, err := i.storage.Load(ctx, site.cert)
	if err != nil {
		return nil, err
	}
	keyPEM, err := i.storage.Load(ctx, site.key)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(readable(site.cert, certPEM, pemMark), readable(site.key, keyPEM, pemMark)); err != nil {
		return nil, err
	}
	c, err := parse(issuer, name, certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errMixed, err)
	}
	return c, nil
}

const (
	pemMark  = "-----BEGIN "
	jsonMark = "{"
)

// readable returns an error for what is stored and has nothing of what it should be. Damage and
// careless editors leave something of it, or nothing at all; this was encrypted, and not with a
// key that this node has. For whoever has that, it is to stay: nothing is ordered over it.
func readable(key string, value []byte, mark string) error {
	if len(value) == 0 || bytes.Contains(value, []byte(mark)) {
		return nil
	}
	return fmt.Errorf("%s cannot be read: is it encrypted with another key?", key)
}

// newestUsable returns nil if every one has expired, is in quarantine, or is nil.
func (i *Issuing) newestUsable(ctx context.Context, certs ...*Certificate) (*Certificate, error) {
	var newest *Certificate
	for _, c := range certs {
		if c == nil || c.expired(time.Now()) {
			continue
		}
		out, err := i.isQuarantined(ctx, c.Issuer, c.Leaf)
		if err != nil {
			return nil, err
		}
		if !out && c.newer(newest) {
			newest = c
		}
	}
	return newest, nil
}
