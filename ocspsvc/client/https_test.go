package client_test

import (
	"crypto/x509"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"dwaar/netguard"
	"dwaar/ocspsvc"
	"dwaar/ocspsvc/client"
	"dwaar/ocspsvc/ocsptest"
)

// secure serves a responder over TLS on loopback and returns its URL and roots.
func secure(t *testing.T, r *ocsptest.Responder) (string, *x509.CertPool) {
	server := httptest.NewUnstartedServer(r)
	server.Config.ErrorLog = slog.NewLogLogger(logger(t).Handler(), slog.LevelDebug)
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server.URL, roots
}

func loopbackClient(t *testing.T, opts ...client.Option) *client.Client {
	t.Helper()
	guard, err := netguard.New(netguard.Config{Allow: []string{"127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(client.Config{}, guard, logger(t), opts...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAnHTTPSResponderIsAskedAndItsCertificateVerified(t *testing.T) {
	ca := ocsptest.NewCA(t)
	responder := ocsptest.NewResponder(t, ca)
	address, roots := secure(t, responder)
	leaf := ca.Leaf(t, ocsptest.OCSP(address))

	if _, err := loopbackClient(t, client.WithRoots(roots)).Fetch(t.Context(), leaf.Cert, ca.Cert); err != nil {
		t.Errorf("with its root: %v", err)
	}
	_, err := loopbackClient(t).Fetch(t.Context(), leaf.Cert, ca.Cert)
	if ocspsvc.ReasonOf(err) != ocspsvc.ReasonUnreachable || !strings.Contains(err.Error(), "unknown authority") {
		t.Errorf("with the system's roots: %v", err)
	}
	if responder.Count() != 1 {
		t.Errorf("%d requests, want 1", responder.Count())
	}
}

func TestTheNameOfAnHTTPSResponderIsVerified(t *testing.T) {
	ca := ocsptest.NewCA(t)
	address, roots := secure(t, ocsptest.NewResponder(t, ca))
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	guard, err := netguard.New(netguard.Config{Allow: []string{"127.0.0.0/8", "localhost"}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(client.Config{}, guard, logger(t), client.WithRoots(roots))
	if err != nil {
		t.Fatal(err)
	}
	leaf := ca.Leaf(t, ocsptest.OCSP("https://localhost:"+u.Port()))
	if _, err := c.Fetch(t.Context(), leaf.Cert, ca.Cert); ocspsvc.ReasonOf(err) != ocspsvc.ReasonUnreachable {
		t.Errorf("a certificate for another name: %v", err)
	}
}

func TestTheProxiesOfTheEnvironmentAreIgnored(t *testing.T) {
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} {
		t.Setenv(name, "http://8.8.4.4:3128")
	}
	w := newWorld(t)
	w.wantReason(ocspsvc.ReasonGood)
	if got := w.Dials(); len(got) != 1 || got[0] != "8.8.8.8:80" {
		t.Errorf("dialled %v", got)
	}
}
