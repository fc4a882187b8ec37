package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/certdb"
)

type caImportCmd struct {
	caFlags
	Source string `arg:"" type:"file" help:"An index.txt of openssl ca, a CRL (PEM or DER), or a directory with certificates."`
}

func (caImportCmd) Help() string {
	return `The whole source is read and checked before anything is written. Then it is written in batches, each of which is in the database or is not: what is stopped half way is gone on with by running it again, as what is there already stays as it is. Revocations are taken over; what is revoked in the database stays revoked.

Of a directory all files .pem, .crt, .cer and .der count, also in directories below; certificates of other issuers are left out. The database is made if it is not there.`
}

func (c caImportCmd) Run(a *app) error {
	return c.with(certdb.Create, func(ctx context.Context, b *books) error { return c.importInto(ctx, a, b) })
}

func (c caImportCmd) importInto(ctx context.Context, a *app, b *books) error {
	s, err := c.read(b)
	if err != nil {
		return err
	}
	return s.copy(ctx, a, b)
}

// source is what is imported, which has been checked.
type source struct {
	count int
	each  func(visit func(certdb.Certificate) error) error
	notes []string
}

func (c caImportCmd) read(b *books) (*source, error) {
	info, err := os.Stat(c.Source)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return readDirectory(c.Source, b.issuer)
	}
	isCRL, err := looksLikeCRL(c.Source)
	switch {
	case err != nil:
		return nil, err
	case isCRL:
		return readCRL(c.Source, b.issuer)
	}
	return readIndex(c.Source)
}

// looksLikeCRL tells a CRL from an index.txt by how it begins: with the SEQUENCE
// that DER is, or as PEM.
func looksLikeCRL(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	begin := make([]byte, 4096)
	n, err := io.ReadFull(f, begin)
	if n == 0 {
		return false, nil // an index.txt that is empty
	}
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	begin = begin[:n]
	if bytes.Contains(begin, []byte("-----BEGIN CERTIFICATE-----")) {
		return false, fmt.Errorf("%s has certificates: `dwaar ca add` takes them, or import the directory they are in", path)
	}
	return begin[0] == 0x30 || bytes.Contains(begin, []byte("-----BEGIN X509 CRL-----")), nil
}

// maxCRL bounds a CRL that is imported: some ten million entries.
const maxCRL = 512 << 20

func readCRL(path string, issuer *x509.Certificate) (*source, error) {
	data, err := readBounded(path, maxCRL)
	if err != nil {
		return nil, err
	}
	certs, err := certdb.ReadCRL(data, issuer)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return sourceOf(certs, "a CRL lists revoked certificates only: those that are good are still unknown"), nil
}

func sourceOf(certs []certdb.Certificate, notes ...string) *source {
	return &source{count: len(certs), notes: notes, each: func(visit func(certdb.Certificate) error) error {
		for _, c := range certs {
			if err := visit(c); err != nil {
				return err
			}
		}
		return nil
	}}
}

// readIndex reads the file twice, so that it need not be in memory.
func readIndex(path string) (*source, error) {
	s := &source{}
	s.each = func(visit func(certdb.Certificate) error) error {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		return certdb.ReadIndex(f, func(c certdb.Certificate, bad error) error {
			if bad != nil {
				return bad
			}
			return visit(c)
		})
	}
	err := s.each(func(certdb.Certificate) error { s.count++; return nil })
	if err != nil {
		return nil, fmt.Errorf("%s: %w; nothing is imported", path, err)
	}
	return s, nil
}

func readDirectory(dir string, issuer *x509.Certificate) (*source, error) {
	var certs []certdb.Certificate
	others := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !slices.Contains([]string{".pem", ".crt", ".cer", ".der"}, strings.ToLower(filepath.Ext(path))) {
			return err
		}
		found, err := readCertificates(path)
		if errors.Is(err, errNoCertificate) { // a key
			return nil
		}
		for _, cert := range found {
			if cert.Equal(issuer) || ocspsvc.FindIssuer(cert, []*x509.Certificate{issuer}) == nil {
				others++
				continue
			}
			certs = append(certs, certdb.Of(cert))
		}
		return err
	})
	if err == nil && len(certs) == 0 {
		err = fmt.Errorf("%s has no certificate of %s", dir, issuer.Subject)
	}
	s := sourceOf(certs)
	if others > 0 {
		s.notes = append(s.notes, fmt.Sprintf("%d certificates of other issuers were left out", others))
	}
	return s, err
}

// batch is how many certificates one transaction adds.
const batch = 20_000

// copy writes a source into the database.
func (s *source) copy(ctx context.Context, a *app, b *books) error {
	var tally certdb.Tally
	var waiting []certdb.Certificate
	bar := a.progress(s.count)
	flush := func() error {
		some, err := b.Add(ctx, b.issuer, waiting...)
		tally, waiting = tally.Plus(some), waiting[:0]
		if err == nil {
			bar.at(tally.Added + tally.Changed + tally.Unchanged + tally.Kept)
		}
		return err
	}
	err := s.each(func(c certdb.Certificate) error {
		if waiting = append(waiting, c); len(waiting) == batch {
			return flush()
		}
		return nil
	})
	if err == nil {
		err = flush()
	}
	bar.end()
	if err != nil {
		return fmt.Errorf("after %s: %w; run it again to go on", tallied(tally), err)
	}
	fmt.Fprintln(a.stdout, tallied(tally))
	for _, note := range s.notes {
		fmt.Fprintln(a.stderr, note)
	}
	return nil
}
