package integration

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"dwaar/integration/internal/client"
	"dwaar/integration/internal/dwaar"
	"dwaar/integration/internal/pebble"
	"dwaar/integration/internal/responder"
	"dwaar/integration/internal/wait"
)

// revocable is a dwaar whose certificates come from a Pebble, and a responder that speaks for
// that Pebble: it says revoked for the serial numbers that a test has revoked.
type revocable struct {
	*house
	Pebble *pebble.Pebble

	mu      sync.Mutex
	revoked map[string]bool
}

// newRevocable starts Pebble and responder, and prepares a dwaar, which answers the CA's
// challenges unless cfg says others' ports.
func newRevocable(t *testing.T, binary string, cfg pebble.Config) *revocable {
	t.Helper()
	r := &revocable{house: &house{Server: dwaar.New(t, binary, binaries.Plain), t: t}, revoked: map[string]bool{}}
	if cfg.HTTPPort == 0 {
		cfg.HTTPPort, cfg.TLSPort = r.HTTP, r.HTTPS
	}
	addr := fmt.Sprintf("127.0.0.1:%d", wait.Port(t))
	if cfg.CRL == "" {
		cfg.OCSP = "http://" + addr
	}
	r.Pebble = pebble.Start(t, cfg)
	r.CA = r.Pebble.Issuer()
	r.OCSP = responder.NewAt(t, r.CA, addr)
	r.OCSP.Behave(r.answer)
	r.roots = rootFile(t, r.CA)
	return r
}

// beside prepares another dwaar that gets its certificates where r does.
func (r *revocable) beside() *house {
	r.t.Helper()
	return &house{
		Server: dwaar.New(r.t, binaries.Race, binaries.Plain), t: r.t, CA: r.CA, OCSP: r.OCSP, roots: r.roots,
	}
}

// global is what the global options say of the CA.
func (r *revocable) global() string {
	return "email ops@example.test\n\tacme_ca " + r.Pebble.Directory() + "\n\tacme_ca_root " + r.Pebble.RootFile()
}

// automatic adds a site; inside is what stands in its `tls` block.
func (h *house) automatic(name, inside string) {
	if inside != "" {
		inside = "tls {\n\t\t" + inside + "\n\t}\n\t"
	}
	h.siteText(fmt.Sprintf("%s {\n\t%srespond %q\n}\n", name, inside, name))
}

func (r *revocable) answer(to *responder.Responder, w http.ResponseWriter, asked responder.Call) {
	if r.isRevoked(asked.SerialNumber) {
		responder.Revoked(to, w, asked)
		return
	}
	responder.Good(to, w, asked)
}

func (r *revocable) revoke(leaf *x509.Certificate) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.revoked[leaf.SerialNumber.String()] = true
}

func (r *revocable) isRevoked(serial *big.Int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.revoked[serial.String()]
}

// awaitStapled waits until handshakes show a certificate that is not the old one, with a good
// staple.
func (h *house) awaitStapled(promise, name string, old *x509.Certificate, within time.Duration) client.Handshake {
	h.t.Helper()
	var shown client.Handshake
	wait.Until(h.t, within, promise+": a stapled certificate for "+name, func() (err error) {
		if shown, err = h.try(name); err != nil {
			return err
		}
		if old != nil && shown.Leaf.Equal(old) {
			return fmt.Errorf("still serial %x", old.SerialNumber)
		}
		return shown.GoodStaple()
	})
	return shown
}

// judgedGood has openssl and curl look at a site.
func (h *house) judgedGood(name string) {
	h.t.Helper()
	for version, id := range versions {
		if out := client.Curl(h.t, h.Addr(), name, h.roots, id); out.Code != 0 {
			h.t.Errorf("%s: curl --cert-status exits %d\n%s", version, out.Code, out.Text)
		}
		out := client.SClient(h.t, h.Addr(), name, h.roots, id)
		if out.Code != 0 || !out.Has("Cert Status: good", "Verify return code: 0 (ok)") {
			h.t.Errorf("%s: openssl s_client -status exits %d\n%s", version, out.Code, out.Text)
		}
	}
}

// replaced checks what V1 promises of an old certificate and its successor.
func (r *revocable) replaced(name string, old, next *x509.Certificate) {
	r.t.Helper()
	if next.PublicKey.(*ecdsa.PublicKey).Equal(old.PublicKey) {
		r.t.Error("V1: the new certificate has the key of the revoked one")
	}
	r.inQuarantine(name, old)
	for _, path := range glob(r.t, r.Data, "certificates", "*", name, name+".crt") {
		if firstOf(r.t, path).Equal(old) {
			r.t.Errorf("V1: the revoked certificate is still in %s", path)
		}
	}
	r.awaitRecord("V1", "ERROR", "certificate is revoked, replacing it", name, fmt.Sprintf("%x", old.SerialNumber.Bytes()))
}

// inQuarantine checks that a certificate and its key lie in quarantine/<issuer>/<serial>/.
func (r *revocable) inQuarantine(name string, old *x509.Certificate) {
	r.t.Helper()
	dirs := glob(r.t, r.Data, "quarantine", "127.0.0.1-*", old.SerialNumber.Text(16))
	if len(dirs) != 1 {
		r.t.Fatalf("V1: %d directories in quarantine for serial %x, want 1", len(dirs), old.SerialNumber)
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(dirs[0], name+".crt"), filepath.Join(dirs[0], name+".key"))
	if err != nil || !pair.Leaf.Equal(old) {
		r.t.Errorf("V1: what lies in quarantine is not the revoked certificate with its key: %v", err)
	}
	why := must(r.t)(os.ReadFile(filepath.Join(dirs[0], "why.json"))).([]byte)
	if !bytes.Contains(why, []byte("revoked at ")) || !bytes.Contains(why, []byte("keyCompromise")) {
		r.t.Errorf("V1: why.json does not say when and why:\n%s", why)
	}
}

func glob(t *testing.T, elements ...string) []string {
	t.Helper()
	return must(t)(filepath.Glob(filepath.Join(elements...))).([]string)
}

// firstOf is the leaf in a PEM file.
func firstOf(t *testing.T, path string) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(must(t)(os.ReadFile(path)).([]byte))
	if block == nil {
		t.Fatalf("%s: no PEM", path)
	}
	return must(t)(x509.ParseCertificate(block.Bytes)).(*x509.Certificate)
}
