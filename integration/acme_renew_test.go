package integration

import (
	"context"
	"crypto/tls"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"dwaar/integration/internal/client"
	"dwaar/integration/internal/pebble"
	"dwaar/integration/internal/pki"
	"dwaar/integration/internal/responder"
	"dwaar/integration/internal/wait"
)

// store puts a leaf where certmagic has the certificate of the CA for its name.
func (c *customer) store(leaf *pki.Leaf) {
	c.t.Helper()
	name := leaf.Cert.Subject.CommonName
	dir := filepath.Join(c.Data, "certificates", c.key(), name)
	leaf.Write(c.t, dir, name)
	pki.WriteFile(c.t, filepath.Join(dir, name+".json"), fmt.Appendf(nil, `{"sans":[%q],"issuer_data":{}}`, name))
}

// A3: while the CA is down, a certificate that is due goes on serving, the status says why it
// is not renewed and when that is tried again; then, with the CA back, it is renewed by itself.
func TestACAThatIsDownDelaysOnlyTheRenewal(t *testing.T) {
	t.Parallel()
	h := newCustomer(t, pebble.Config{})
	h.CA.Down()
	old := pki.New(t, "Old")
	h.store(old.Issue(t, pki.Request{Names: []string{"example.test"}, Lifetime: 10 * time.Minute})) // of 70
	h.says("", answers("example.test", ""))
	h.Start()
	before, err := client.Target{Addr: h.Addr(), Name: "example.test", Roots: old.Pool()}.Do()
	if err != nil {
		t.Fatalf("A3: a stored certificate that is due: %v", err)
	}
	trouble := h.troubled("A3: the CA is down", "example.test", "connection refused")
	if trouble.NextTry == nil || time.Until(*trouble.NextTry) > 70*time.Second {
		t.Errorf("A3: next try %v, want about a minute from now", trouble.NextTry)
	}
	h.awaitLog("A3: the CA is down", "WARN", "getting a certificate failed", "example.test", "next_try")
	if now, err := (client.Target{Addr: h.Addr(), Name: "example.test", Roots: old.Pool()}).Do(); err != nil || !now.Leaf.Equal(before.Leaf) {
		t.Errorf("A3: the old certificate is not served while the CA is down: %v", err)
	}
	if failures := len(h.Log.Records("WARN", "getting a certificate failed")); failures != 1 {
		t.Errorf("A3: %d attempts so far, want 1: the CA is left in peace for a while", failures)
	}
	h.CA.Up()
	wait.Until(t, 90*time.Second, "A3: a renewal by itself when the CA is back", func() error {
		_, err := h.try("example.test")
		return err
	})
	// It has never heard of the certificate that this replaces, and says so.
	h.awaitLog("A3: a certificate that is not the CA's", "WARN", "the CA does not know what the order replaces")
	if cert, err := h.Certificate("example.test"); err != nil || cert.ACME.LastError != "" {
		t.Errorf("A3: after the outage: %+v, %v", cert.ACME, err)
	}
}

// S5, V1: while certificates are renewed, every handshake has a staple, and it is the one of
// the very leaf that is shown.
func TestEveryHandshakeOfARenewalHasItsLeafsStaple(t *testing.T) {
	t.Parallel()
	addr := fmt.Sprintf("127.0.0.1:%d", wait.Port(t))
	h := newCustomer(t, pebble.Config{OCSP: "http://" + addr})
	answering := responder.NewAt(t, h.CA.Issuer(), addr)
	h.says("", answers("example.test", ""))
	h.Start()
	h.served("A1", "example.test")
	wait.Until(t, soon, "S1: the first staple", func() error {
		return h.shake("S1", "example.test").GoodStaple()
	})
	seen := h.watch("S5", "example.test")
	for range 3 {
		h.Must("certs", "renew", "example.test")
	}
	if n := seen(); n != 4 {
		t.Errorf("S5: %d certificates were shown, want 4", n)
	}
	roots := filepath.Join(h.Dir, "roots.pem")
	pki.WriteFile(t, roots, pki.CertPEM(h.CA.Issuer().Root().Cert.Raw))
	if out := client.Curl(t, h.Addr(), "example.test", roots, tls.VersionTLS13); out.Code != 0 || !out.Has("site example.test") {
		t.Errorf("S5: curl --cert-status: exit %d\n%s", out.Code, out.Text)
	}
	if n := answering.Requests(); n < 4 {
		t.Errorf("S5: the responder was asked %d times, want about each of 4 certificates", n)
	}
}

// watch makes handshakes one after the other and fails the test for each without a good staple
// of its own leaf, until the call that ends it and tells how many certificates were shown.
func (c *customer) watch(promise, name string) (end func() int) {
	ctx, stop := context.WithCancel(c.t.Context())
	var gone sync.WaitGroup
	shown, handshakes := map[string]bool{}, 0
	gone.Go(func() {
		for last := false; !last; handshakes++ {
			last = ctx.Err() != nil // one more, of what was there at the end
			h, err := c.try(name)
			if err == nil {
				err = h.GoodStaple()
				shown[h.Leaf.SerialNumber.Text(16)] = true
			}
			if err != nil {
				c.t.Errorf("%s: handshake %d: %v", promise, handshakes, err)
				return
			}
		}
	})
	return func() int {
		stop()
		gone.Wait()
		c.t.Logf("%s: %d handshakes", promise, handshakes)
		return len(shown)
	}
}
