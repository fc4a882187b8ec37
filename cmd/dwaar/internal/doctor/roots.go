package doctor

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"log/slog"
	"slices"

	"dwaar/acme/issuing"
	"dwaar/acme/localca"
)

// roots are those that this system trusts.
func (e *examination) roots(context.Context) []Finding {
	const what = "system roots"
	pool, err := e.systemRoots()
	switch {
	case err != nil:
		return []Finding{fail(what, "they cannot be read: %v", err)}
	case pool.Equal(x509.NewCertPool()):
		level := warn
		if e.needsRoots() {
			level = fail
		}
		return []Finding{level(what, "there are none, so no CA, and no upstream by https, can be trusted: install them (package ca-certificates)")}
	}
	return []Finding{ok(what, "are there")}
}

// needsRoots reports whether certificates are got from a CA that the system has to trust.
func (e *examination) needsRoots() bool {
	return e.anyIssuer(func(i issuing.IssuerConfig) bool { return i.CA != issuing.Internal && len(i.Roots) == 0 })
}

func (e *examination) anyIssuer(is func(issuing.IssuerConfig) bool) bool {
	return slices.ContainsFunc(e.Inspection.Policies(), func(p issuing.Policy) bool { return slices.ContainsFunc(p.Issuers, is) })
}

func (e *examination) systemRoots() (*x509.CertPool, error) {
	if e.Roots != nil {
		return e.Roots()
	}
	return x509.SystemCertPool()
}

// localCA says whether this system trusts the CA of `tls internal`.
func (e *examination) localCA(ctx context.Context) []Finding {
	const what = "local CA"
	if !e.wantsLocalCA() {
		return nil
	}
	root, err := e.localRoot(ctx)
	switch {
	case errors.Is(err, errNotThere), errors.Is(err, fs.ErrNotExist):
		return []Finding{ok(what, "there is none yet: dwaar makes it, and dwaar trust makes it known to this system")}
	case err != nil:
		return []Finding{fail(what, "%v", err)}
	}
	pool, err := e.systemRoots()
	if err != nil {
		return nil // told of the roots
	}
	if _, err := root.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
		return []Finding{warn(what, "this system does not trust it, so programs here refuse the certificates of local names: dwaar trust, or its root for each program (%v)", err)}
	}
	return []Finding{ok(what, "this system trusts it")}
}

func (e *examination) wantsLocalCA() bool {
	return e.anyIssuer(func(i issuing.IssuerConfig) bool { return i.CA == issuing.Internal })
}

// localRoot reads the root; it makes none.
func (e *examination) localRoot(ctx context.Context) (*x509.Certificate, error) {
	kept, done, err := e.open()
	if err != nil {
		return nil, err
	}
	defer done()
	text, err := localca.New(kept, slog.New(slog.DiscardHandler)).FindRoot(ctx)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("its root is not PEM")
	}
	return x509.ParseCertificate(block.Bytes)
}
