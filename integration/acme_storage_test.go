package integration

import (
	"crypto/x509"
	"os"
	"testing"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"

	"dwaar/integration/internal/pebble"
	"dwaar/integration/internal/wait"
)

// caddysHand is certmagic as Caddy uses it, on a data directory and with the Pebble.
func (c *customer) caddysHand(dir string) *certmagic.Config {
	c.t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(must(c.t)(os.ReadFile(c.CA.RootFile())).([]byte))
	var cfg *certmagic.Config
	cache := certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return cfg, nil }, Logger: zap.NewNop(),
	})
	c.t.Cleanup(cache.Stop)
	cfg = certmagic.New(cache, certmagic.Config{Storage: &certmagic.FileStorage{Path: dir}, Logger: zap.NewNop()})
	cfg.Issuers = []certmagic.Issuer{certmagic.NewACMEIssuer(cfg, certmagic.ACMEIssuer{
		CA: c.CA.Directory(), TrustedRoots: roots, Email: "ops@example.test", Agreed: true, Logger: zap.NewNop(),
		AltHTTPPort: wait.Port(c.t), AltTLSALPNPort: wait.Port(c.t), ListenHost: "127.0.0.1",
	})}
	return cfg
}

// 3.3: a data directory of Caddy's is used as it is: its certificate serves from the first
// handshake on with the CA down, and its account orders the next one. Caddy can go back.
func TestADataDirectoryOfCaddysIsUsedAsItIs(t *testing.T) {
	t.Parallel()
	h := newCustomer(t, pebble.Config{AlwaysValid: true})
	caddy := h.caddysHand(h.Data)
	must(t)(nil, caddy.ObtainCertSync(t.Context(), "example.test"))
	accounts := h.CA.Requests("/sign-me-up")
	h.CA.Down()
	h.says("", answers("example.test", ""))
	h.Start()
	before := h.shake("3.3: Caddy's certificate", "example.test")
	h.CA.Up()
	h.orders("3.3: a certificate of Caddy's", 1)

	h.Must("certs", "renew", "example.test")
	after := h.shake("3.3: a renewal with Caddy's account", "example.test")
	if after.Leaf.Equal(before.Leaf) {
		t.Error("3.3: it was not renewed")
	}
	if n := h.CA.Requests("/sign-me-up"); n != accounts {
		t.Errorf("3.3: %d requests for an account, want none: Caddy's is there", n-accounts)
	}
	h.Stop()
	theirs, err := caddy.CacheManagedCertificate(t.Context(), "example.test")
	if err != nil || !theirs.Leaf.Equal(after.Leaf) {
		t.Errorf("3.3: Caddy does not find what dwaar has got: %v", err)
	}
}
