package integration

import (
	"crypto/tls"
	"log"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"dwaar/integration/internal/client"
	"dwaar/integration/internal/pki"
	"dwaar/integration/internal/responder"
)

// versions are the TLS versions every outside client is tried with.
var versions = map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13}

// The outside clients are the judges of the other tests, so they are judged first: a
// server that is not dwaar shows them good, bad and missing staples.
func TestOutsideClientsTellGoodStaplesFromBad(t *testing.T) {
	t.Parallel()
	ca := pki.New(t, "Judges")
	leaf := ca.Issue(t, pki.Request{Names: []string{"judge.test"}})
	roots := rootFile(t, ca)
	now := time.Now().Truncate(time.Second)
	staple := func(change func(*ocsp.Response)) []byte {
		r := ocsp.Response{Status: ocsp.Good, SerialNumber: leaf.Cert.SerialNumber,
			ThisUpdate: now, NextUpdate: now.Add(time.Hour)}
		change(&r)
		der, err := responder.Create(ca.Cert, ca.Cert, r, ca.Key)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	for _, c := range []struct {
		name   string
		staple []byte
		curl   int  // exit code
		gnutls bool // accepts
		text   string
	}{
		{"good", staple(func(*ocsp.Response) {}), 0, true, "Cert Status: good"},
		{"none", nil, 91, true, "OCSP response: no response sent"},
		{"revoked", staple(func(r *ocsp.Response) {
			r.Status, r.RevokedAt = ocsp.Revoked, now.Add(-time.Hour)
		}), 91, false, "Cert Status: revoked"},
		{"expired", staple(func(r *ocsp.Response) {
			r.ThisUpdate, r.NextUpdate = now.Add(-48*time.Hour), now.Add(-24*time.Hour)
		}), 91, false, "Cert Status: good"}, // s_client prints it without a word
	} {
		addr := serveStaple(t, leaf, c.staple)
		for version, id := range versions {
			if out := client.Curl(t, addr, "judge.test", roots, id); out.Code != c.curl {
				t.Errorf("%s, %s: curl exits %d, want %d\n%s", c.name, version, out.Code, c.curl, out.Text)
			}
			if out := client.GnuTLS(t, addr, "judge.test", roots, id); (out.Code == 0) != c.gnutls {
				t.Errorf("%s, %s: gnutls-cli exits %d\n%s", c.name, version, out.Code, out.Text)
			}
			if out := client.SClient(t, addr, "judge.test", roots, id); !out.Has(c.text) {
				t.Errorf("%s, %s: s_client does not print %q\n%s", c.name, version, c.text, out.Text)
			}
		}
	}
}

func serveStaple(t *testing.T, leaf *pki.Leaf, staple []byte) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{
		Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Minute,
		ErrorLog: log.New(t.Output(), "", 0), // clients hang up on bad staples
	}
	go func() {
		_ = s.Serve(tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{{
			Certificate: leaf.Chain(), PrivateKey: leaf.Key, OCSPStaple: staple,
		}}}))
	}()
	t.Cleanup(func() { _ = s.Close() })
	return l.Addr().String()
}

// rootFile writes the root of ca for clients that want a file.
func rootFile(t *testing.T, ca *pki.Authority) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "root.pem")
	pki.WriteFile(t, path, pki.CertPEM(ca.Root().Cert.Raw))
	return path
}
