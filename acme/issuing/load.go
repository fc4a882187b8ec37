package issuing

import (
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

// loadFrom looks at one issuer. What is pending is newer than the files.
func (i *Issuing) loadFrom(ctx context.Context, issuer, name string) (*Certificate, error) {
	for n := 1; ; n++ {
		cert, mixed, err := i.loadFiles(ctx, issuer, name)
		if newer, err := i.loadPending(ctx, issuer, name); err == nil {
			return i.usable(ctx, newer)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if err == nil {
			return i.usable(ctx, cert)
		}
		if mixed && n < readAgain {
			continue
		}
		if mixed {
			i.log.Warn("ignoring a stored certificate", "names", name, "issuer", issuer, "err", err)
		}
		return nil, err
	}
}

// loadFiles reads the pair of files. It is mixed if they are there but not a pair.
func (i *Issuing) loadFiles(ctx context.Context, issuer, name string) (c *Certificate, mixed bool, err error) {
	site := siteFiles(issuer, name)
	certPEM, err := i.storage.Load(ctx, site.cert)
	if err != nil {
		return nil, false, err
	}
	keyPEM, err := i.storage.Load(ctx, site.key)
	if err != nil {
		return nil, false, err
	}
	c, err = parse(issuer, name, certPEM, keyPEM)
	if err != nil {
		return nil, true, errors.Join(fs.ErrNotExist, err)
	}
	return c, false, nil
}

// usable refuses what has expired or is in quarantine.
func (i *Issuing) usable(ctx context.Context, c *Certificate) (*Certificate, error) {
	if c.expired(time.Now()) {
		return nil, fs.ErrNotExist
	}
	out, err := i.isQuarantined(ctx, c.Issuer, c.Leaf)
	if err != nil {
		return nil, err
	}
	if out {
		return nil, fs.ErrNotExist
	}
	return c, nil
}
