package responder_test

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/responder"
)

// openssl asks the responder for the room's leaf as a stranger would.
func (r *room) openssl(t *testing.T, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	args = append(append([]string{"ocsp"}, args...),
		"-issuer", ocsptest.WriteFile(t, dir, "issuer.pem", ocsptest.CertPEM(r.ca.Cert)),
		"-cert", ocsptest.WriteFile(t, dir, "leaf.pem", ocsptest.CertPEM(r.leaf.Cert)),
		"-CAfile", ocsptest.WriteFile(t, dir, "root.pem", ocsptest.CertPEM(r.ca.Root.Cert)),
		"-url", r.url)
	out, err := exec.CommandContext(t.Context(), "openssl", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestOpenSSLBelievesEveryKeyTypeAndStatus(t *testing.T) {
	for _, kind := range ocsptest.KeyTypes() {
		t.Run(string(kind), func(t *testing.T) {
			r := newRoom(t, "/ocsp/", ocsptest.Key(kind))
			for _, args := range [][]string{nil, {"-sha256"}, {"-no_nonce"}, {"-sha512", "-no_nonce"}} {
				out := r.openssl(t, args...)
				if !strings.Contains(out, "Response verify OK") || !strings.Contains(out, "leaf.pem: good") {
					t.Errorf("openssl ocsp %v says\n%s", args, out)
				}
				if strings.Contains(out, "WARNING") { // no nonce in the response, or a wrong one
					t.Errorf("openssl ocsp %v warns\n%s", args, out)
				}
			}
			r.records.Set(responder.IssuerIDOf(r.ca.Cert), r.leaf.Cert.SerialNumber, responder.Record{
				Status: ocspsvc.Revoked, RevokedAt: time.Now().Add(-time.Hour), Reason: ocspsvc.KeyCompromise,
			})
			r.restart(t, "/ocsp/")
			out := r.openssl(t)
			if !strings.Contains(out, "leaf.pem: revoked") || !strings.Contains(out, "Reason: keyCompromise") {
				t.Errorf("revoked: openssl says\n%s", out)
			}
			r.records.Set(responder.IssuerIDOf(r.ca.Cert), r.leaf.Cert.SerialNumber, responder.Record{})
			r.restart(t, "/ocsp/")
			if out := r.openssl(t); !strings.Contains(out, "leaf.pem: unknown") {
				t.Errorf("unknown: openssl says\n%s", out)
			}
		})
	}
}

func TestOpenSSLBelievesADelegate(t *testing.T) {
	r := newRoom(t, "")
	delegate := r.ca.Delegate(t, ocsptest.Key(ocsptest.RSA))
	signer, err := responder.NewSigner(responder.Config{}, keysOf(r.ca.Cert, delegate.Cert, delegate.Key), r.records, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.url = serve(t, signer, "")
	if out := r.openssl(t); !strings.Contains(out, "Response verify OK") || !strings.Contains(out, "leaf.pem: good") {
		t.Errorf("openssl says\n%s", out)
	}
}
