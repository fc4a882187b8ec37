package integration

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"

	"dwaar/integration/internal/client"
	"dwaar/integration/internal/pebble"
	"dwaar/integration/internal/pki"
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

// A kill between the files of a certificate leaves the new key beside the old certificate, and
// both whole in pending/. The next start serves the new pair, and by then the files hold it too.
func TestAPairThatWasHalfWrittenIsCompletedAtTheStart(t *testing.T) {
	t.Parallel()
	h := newCustomer(t, pebble.Config{})
	h.CA.Down()
	authority := pki.New(t, "Half")
	request := pki.Request{Names: []string{"example.test"}, Lifetime: 90 * 24 * time.Hour}
	old, next := authority.Issue(t, request), authority.Issue(t, request)
	h.store(old)
	dir := filepath.Join(h.Data, "certificates", h.key(), "example.test")
	key := pki.PKCS8(t, next.Key)
	pki.WriteFile(t, filepath.Join(dir, "example.test.key"), key)
	whole := must(t)(json.Marshal(map[string]any{
		"name": "example.test", "certificate": string(pki.CertPEM(next.Chain()...)), "key": string(key),
		"metadata": map[string]any{"sans": []string{"example.test"}},
	})).([]byte)
	pki.WriteFile(t, filepath.Join(h.Data, "pending", h.key(), "example.test.json"), whole)
	h.says("", answers("example.test", ""))
	h.Start()
	shown, err := client.Target{Addr: h.Addr(), Name: "example.test", Roots: authority.Pool()}.Do()
	if err != nil || !shown.Leaf.Equal(next.Cert) {
		t.Errorf("served: %v, %v; want what was pending", shown.Leaf, err)
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "example.test.crt"), filepath.Join(dir, "example.test.key"))
	if err != nil || !pair.Leaf.Equal(next.Cert) {
		t.Errorf("the files hold %v, %v; want the pair that is served", pair.Leaf, err)
	}
	if left := glob(t, h.Data, "pending", "*", "*.json"); len(left) != 0 {
		t.Errorf("still pending: %v", left)
	}
}
