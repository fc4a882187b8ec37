package issuing_test

import (
	"context"
	"crypto/x509"
	"testing"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"

	"dwaar/acme/issuing"
)

// caddysCA is a fake CA as certmagic, and so Caddy, uses one.
type caddysCA struct {
	*fakeCA
	key string
}

func (c caddysCA) IssuerKey() string { return c.key }

func (c caddysCA) Issue(_ context.Context, csr *x509.CertificateRequest) (*certmagic.IssuedCertificate, error) {
	chain := append(encode("CERTIFICATE", c.leafFor(csr).Raw), encode("CERTIFICATE", c.root.Raw)...)
	return &certmagic.IssuedCertificate{Certificate: chain, Metadata: map[string]string{"ca": "https://ca.test"}}, nil
}

// caddy is certmagic with its own storage, as Caddy sets it up.
func caddy(t *testing.T, dir string, issuer certmagic.Issuer) *certmagic.Config {
	t.Helper()
	var cfg *certmagic.Config
	cache := certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return cfg, nil }, Logger: zap.NewNop(),
	})
	t.Cleanup(cache.Stop)
	cfg = certmagic.New(cache, certmagic.Config{
		Storage: &certmagic.FileStorage{Path: dir}, Issuers: []certmagic.Issuer{issuer}, Logger: zap.NewNop(),
		OCSP: certmagic.OCSPConfig{DisableStapling: true},
	})
	return cfg
}

func TestWhatCaddyHasObtainedLoads(t *testing.T) {
	t.Parallel()
	ca, dir := newFakeCA(t), t.TempDir()
	cfg := caddy(t, dir, caddysCA{ca, "acme-v02.api.letsencrypt.org-directory"})
	for _, n := range []string{name, "*.example.test"} {
		if err := cfg.ObtainCertSync(soon(t), n); err != nil {
			t.Fatal(err)
		}
		cert, err := open(t, dir).Load(t.Context(), letsEncrypt(n), n)
		if err != nil || cert.Leaf.DNSNames[0] != n {
			t.Errorf("%s: %v", n, err)
		}
	}
}

func TestCaddyLoadsWhatWeHaveObtained(t *testing.T) {
	t.Parallel()
	ca, dir := newFakeCA(t), t.TempDir()
	cert := obtain(t, open(t, dir), policy(ca))
	cfg := caddy(t, dir, caddysCA{ca, cert.Issuer})
	theirs, err := cfg.CacheManagedCertificate(soon(t), name)
	if err != nil || !theirs.Leaf.Equal(cert.Leaf) {
		t.Errorf("certmagic loads %v", err)
	}
	next, err := open(t, dir).Renew(soon(t), policy(ca), name, issuing.RenewOptions{Replaces: cert})
	if err != nil {
		t.Fatal(err)
	}
	if theirs, err = cfg.CacheManagedCertificate(soon(t), name); err != nil || !theirs.Leaf.Equal(next.Leaf) {
		t.Errorf("after a renewal certmagic loads %v", err)
	}
}
