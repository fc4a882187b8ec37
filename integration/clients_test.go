package integration

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dwaar/integration/internal/client"
	"dwaar/integration/internal/pki"
	"dwaar/integration/internal/responder"
)

// S1 (cold start), S4, S5: the very first handshake of a fresh dwaar carries a staple of
// openssl's responder that every verifying client accepts, in TLS 1.2 and 1.3.
func TestOutsideClientsAcceptTheStapleOfOpenSSLsResponder(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	openssl := responder.NewOpenSSL(t, h.CA, "-nmin", "60")
	leaf := h.CA.Issue(t, pki.Request{Names: []string{"main.test"}, OCSP: []string{openssl.URL()}})
	openssl.Add(leaf)
	openssl.Start()
	h.site(leaf, "")
	h.start("", "")
	h.stapled("S1", "main.test")
	for version, id := range versions {
		if out := client.SClient(t, h.Addr(), "main.test", h.roots, id); out.Code != 0 ||
			!out.Has("OCSP Response Status: successful", "Cert Status: good", "Verify return code: 0 (ok)") {
			t.Errorf("S1, %s: s_client -status exits %d\n%s", version, out.Code, out.Text)
		}
		if out := client.Curl(t, h.Addr(), "main.test", h.roots, id); out.Code != 0 || !out.Has("SSL certificate status: good") {
			t.Errorf("S1, %s: curl --cert-status exits %d\n%s", version, out.Code, out.Text)
		}
		if out := client.GnuTLS(t, h.Addr(), "main.test", h.roots, id); out.Code != 0 || !out.Has("The certificate is trusted") {
			t.Errorf("S1, %s: gnutls-cli exits %d\n%s", version, out.Code, out.Text)
		}
	}
	opensslVerifies(t, h, leaf)
	readmeCheck(t, h)
}

// opensslVerifies has `openssl ocsp -respin` judge the very bytes of a handshake.
func opensslVerifies(t *testing.T, h *house, leaf *pki.Leaf) {
	t.Helper()
	dir := t.TempDir()
	staple, issuer, cert := filepath.Join(dir, "staple.der"), filepath.Join(dir, "issuer.pem"), filepath.Join(dir, "leaf.pem")
	pki.WriteFile(t, staple, h.shake("main.test").Staple)
	pki.WriteFile(t, issuer, pki.CertPEM(leaf.Issuer.Cert.Raw))
	pki.WriteFile(t, cert, pki.CertPEM(leaf.Cert.Raw))
	out := client.RunTool(t, "openssl", "ocsp", "-respin", staple, "-issuer", issuer, "-cert", cert,
		"-CAfile", h.roots, "-VAfile", issuer, "-no_nonce")
	if out.Code != 0 || !out.Has("Response verify OK", ": good") {
		t.Errorf("S10: openssl ocsp -respin exits %d\n%s", out.Code, out.Text)
	}
}

// readmeCheck runs the check that docs/ocsp.md and README.md tell people to run.
func readmeCheck(t *testing.T, h *house) {
	t.Helper()
	const check = `openssl s_client -connect HOST:443 -servername HOST -status </dev/null 2>/dev/null | grep -A 20 'OCSP response'`
	for _, page := range []string{"../README.md", "../docs/ocsp.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(text, []byte(check)) {
			t.Errorf("%s does not show the check %q", page, check)
		}
	}
	line := strings.NewReplacer("HOST:443", h.Addr(), "HOST", "main.test").Replace(check)
	out, err := exec.CommandContext(t.Context(), "sh", "-c", line).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Cert Status: good") {
		t.Errorf("%s: %v\n%s", line, err, out)
	}
}

// S5: what goes out in the handshake is byte for byte what the responder sent.
func TestStapledBytesAreTheReceivedBytes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.site(h.leaf("bytes.test"), "")
	h.start("", "")
	shown := h.stapled("S5", "bytes.test")
	if !bytes.Equal(shown.Staple, h.OCSP.Last()) {
		t.Errorf("S5: stapled %x\nreceived %x", shown.Staple, h.OCSP.Last())
	}
}
