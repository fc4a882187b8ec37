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

// afterBackoff bounds what happens once the first pause after a failure, of one minute, is
// over.
const afterBackoff = 2 * time.Minute

// revocable is a dwaar whose certificates come from a Pebble, and a responder that speaks for
// that Pebble: it says revoked for the serial numbers that a test has revoked.
type revocable struct {
	*house
	Pebble *pebble.Pebble

	mu      sync.Mutex
	revoked map[string]bool
}

// newRevocable starts Pebble and responder, and prepares a dwaar.
func newRevocable(t *testing.T, binary string, cfg pebble.Config) *revocable {
	t.Helper()
	r := &revocable{house: &house{Server: dwaar.New(t, binary, binaries.Plain), t: t}, revoked: map[string]bool{}}
	cfg.HTTPPort, cfg.TLSPort = r.HTTP, r.HTTPS
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

// V1, the loop that proves the product: obtained, stapled good, revoked, replaced by one with
// another key that is stapled good; the old one in quarantine. Outside clients agree at both ends.
func TestRevokedCertificateIsReplacedWithinSeconds(t *testing.T) {
	for how, refreshEvery := range map[string]string{"when told to look": "", "by itself": "refresh_every 2s"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			r := newRevocable(t, binaries.Race, pebble.Config{})
			r.automatic("shop.example.test", "")
			r.start(r.global(), refreshEvery)
			old := r.awaitStapled("A1", "shop.example.test", nil, soon)
			r.judgedGood("shop.example.test")

			r.revoke(old.Leaf)
			if refreshEvery == "" {
				r.Do("ocsp", "refresh", "shop.example.test")
			}
			next := r.awaitStapled("V1", "shop.example.test", old.Leaf, soon)
			r.judgedGood("shop.example.test")
			r.replaced("shop.example.test", old.Leaf, next.Leaf)
			record := r.awaitRecord("V1", "ERROR", "certificate is revoked, replacing it")
			if record["reason"] != "keyCompromise" || record["revoked_at"] == "" {
				t.Errorf("V1: the log says reason %q, revoked_at %q", record["reason"], record["revoked_at"])
			}
			orders := r.Pebble.Orders()
			if len(orders) != 2 || orders[1].Replaces == "" || r.Pebble.AccountKeys() != 1 {
				t.Errorf("V1: %d account keys, orders %+v; want two orders, the second one saying what it replaces", r.Pebble.AccountKeys(), orders)
			}
		})
	}
}

// V1 while the CA is down: refused (or served unstapled), also to those who want to resume a
// session, and replaced when the CA is back.
func TestRevokedCertificateWhileTheCAIsDown(t *testing.T) {
	for policy, served := range map[string]bool{"refuse": false, "serve": true} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			r := newRevocable(t, binaries.Race, pebble.Config{})
			r.automatic("bad.test", "")
			r.start(r.global(), "on_revoked "+policy)
			old := r.awaitStapled("A1", "bad.test", nil, soon)
			sessions := map[string]string{}
			for version, id := range versions {
				sessions[version] = r.keepSession("bad.test", id)
			}
			r.Pebble.Down()
			r.revoke(old.Leaf)
			r.Do("ocsp", "refresh", "bad.test")
			r.AwaitReason("bad.test", "revoked", soon)
			for range 3 {
				r.revokedIs(served)
			}
			if !served {
				r.awaitRecord("V1", "WARN", "handshake refused", "reason=revoked", "bad.test")
			}
			r.awaitRecord("V1", "WARN", "getting a certificate failed", "bad.test")
			r.inQuarantine("bad.test", old.Leaf)
			for version, id := range versions {
				out := r.resume("bad.test", id, sessions[version])
				if served != (out.Code == 0) || out.Has("Reused, ") && !served {
					t.Errorf("V1, %s: a session from before the revocation: exit %d, want served = %v\n%s", version, out.Code, served, out.Text)
				}
			}
			r.Pebble.Up()
			next := r.awaitStapled("V1, the CA is back", "bad.test", old.Leaf, afterBackoff)
			r.replaced("bad.test", old.Leaf, next.Leaf)
			for version, id := range versions {
				out := r.resume("bad.test", id, sessions[version])
				if out.Code != 0 || out.Has("Reused, ") {
					t.Errorf("V1, %s: a session of the revoked certificate was resumed: exit %d\n%s", version, out.Code, out.Text)
				}
			}
			r.judgedGood("bad.test")
		})
	}
}

// keepSession has openssl keep a session in a file, and makes sure that it can be resumed:
// else it would prove nothing.
func (h *house) keepSession(name string, version uint16) (file string) {
	h.t.Helper()
	file = filepath.Join(h.t.TempDir(), "session.pem")
	if out := h.sClient(name, version, "-sess_out", file); out.Code != 0 || !out.Has("New, ") {
		h.t.Fatalf("openssl s_client -sess_out: exit %d\n%s", out.Code, out.Text)
	}
	if out := h.resume(name, version, file); out.Code != 0 || !out.Has("Reused, ") {
		h.t.Fatalf("openssl s_client -sess_in does not resume: exit %d\n%s", out.Code, out.Text)
	}
	return file
}

func (h *house) resume(name string, version uint16, file string) client.Output {
	h.t.Helper()
	return h.sClient(name, version, "-sess_in", file)
}

// sClient makes a request, so that the tickets of TLS 1.3 arrive.
func (h *house) sClient(name string, version uint16, more ...string) client.Output {
	h.t.Helper()
	flag := map[uint16]string{tls.VersionTLS12: "-tls1_2", tls.VersionTLS13: "-tls1_3"}[version]
	args := append([]string{"s_client", "-connect", h.Addr(), "-servername", name, "-CAfile", h.roots, "-ign_eof", flag}, more...)
	return client.RunToolOn(h.t, "GET / HTTP/1.1\r\nHost: "+name+"\r\nConnection: close\r\n\r\n", "openssl", args...)
}

// V1: killed between the revocation and the replacement, dwaar replaces it after a restart,
// and never serves the revoked one again.
func TestReplacementSurvivesAKill(t *testing.T) {
	t.Parallel()
	r := newRevocable(t, binaries.Race, pebble.Config{})
	r.automatic("killed.test", "")
	r.start(r.global(), "")
	old := r.awaitStapled("A1", "killed.test", nil, soon)
	r.Pebble.Down()
	r.revoke(old.Leaf)
	r.Do("ocsp", "refresh", "killed.test")
	r.AwaitReason("killed.test", "revoked", soon)
	r.Kill()

	r.Start() // with the CA still down
	for range 5 {
		if shown, err := r.try("killed.test"); err == nil {
			t.Fatalf("V1: serial %x is served after the restart", shown.Leaf.SerialNumber)
		}
	}
	r.Kill()
	r.Pebble.Up()
	r.Start()
	next := r.awaitStapled("V1, after the restart", "killed.test", old.Leaf, soon)
	r.replaced("killed.test", old.Leaf, next.Leaf)
	if n := r.Pebble.AccountKeys(); n != 1 {
		t.Errorf("%d account keys at the CA, want 1", n)
	}
}

// V1 and A6: two dwaars on one storage notice one revocation, and place one order for it.
func TestTwoDwaarsReplaceARevokedCertificateOnce(t *testing.T) {
	t.Parallel()
	r := newRevocable(t, binaries.Race, pebble.Config{})
	shared := "\n\tstorage file_system " + t.TempDir()
	pair := []*house{r.house, r.beside()}
	for _, h := range pair {
		h.automatic("both.test", "")
		h.start(r.global()+shared, "")
	}
	last := r.awaitStapled("A6", "both.test", nil, soon).Leaf
	for round := range 3 {
		for _, h := range pair {
			shown := h.awaitStapled("A6", "both.test", nil, soon)
			if !shown.Leaf.Equal(last) {
				t.Fatalf("A6, round %d: one serves serial %x, the other %x", round, shown.Leaf.SerialNumber, last.SerialNumber)
			}
		}
		if n := len(r.Pebble.Orders()); n != round+1 {
			t.Fatalf("A6: %d orders after %d revocations: %+v", n, round, r.Pebble.Orders())
		}
		r.revoke(last)
		var told sync.WaitGroup
		for _, h := range pair {
			told.Go(func() { h.Do("ocsp", "refresh", "both.test") })
		}
		told.Wait()
		last = r.awaitStapled("V1", "both.test", last, soon).Leaf
	}
	if n := r.Pebble.Requests("/finalize-order/"); n > 4 {
		t.Errorf("A6: %d certificates were asked for, want 4", n)
	}
}

// S13: a certificate that was ordered as must-staple is refused until its staple is there.
func TestMustStapleCertificateFromTheCA(t *testing.T) {
	t.Parallel()
	r := newRevocable(t, binaries.Race, pebble.Config{})
	r.OCSP.Behave(responder.Status(503))
	r.automatic("must.test", "must_staple")
	r.start(r.global(), "must_staple_wait 5m\n\t\tstart_wait 100ms")
	wait.Until(t, soon, "the certificate", func() error {
		if cert, err := r.Certificate("must.test"); err != nil || cert.Serial == "" {
			return fmt.Errorf("%+v, %w", cert, err)
		}
		return nil
	})
	for range 3 {
		if _, err := r.try("must.test"); !hasAlert(err, "unrecognized name") {
			t.Fatalf("S13: a must-staple certificate without a staple: %v, want it refused", err)
		}
	}
	r.awaitRecord("S13", "WARN", "handshake refused", "must_staple", "must.test")
	r.OCSP.Behave(r.answer)
	r.Do("ocsp", "refresh", "must.test")
	shown := r.awaitStapled("S13", "must.test", nil, soon)
	if !bytes.Contains(shown.Leaf.Raw, []byte{0x30, 3, 2, 1, 5}) {
		t.Error("S13: the certificate is not must-staple (RFC 7633)")
	}
	r.judgedGood("must.test")
}
