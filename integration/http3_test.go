package integration

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"testing"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"dwaar/integration/internal/client"
	"dwaar/integration/internal/responder"
)

// client3 is an HTTP client that speaks HTTP/3 only, and reaches every name at this house.
func (h *house) client3(sessions tls.ClientSessionCache) *http.Client {
	transport := &http3.Transport{
		TLSClientConfig: &tls.Config{RootCAs: h.CA.Pool(), ClientSessionCache: sessions},
		Dial: func(ctx context.Context, _ string, tlsConfig *tls.Config, config *quic.Config) (*quic.Conn, error) {
			return quic.DialAddr(ctx, h.Addr(), tlsConfig, config)
		},
	}
	h.t.Cleanup(func() { _ = transport.Close() })
	return &http.Client{Transport: transport, Timeout: soon}
}

// S1, S4 and V2 over QUIC: every site's certificate comes with its own staple, sessions are
// resumed without early data, and a revoked certificate is refused as over TCP, resumption
// included.
func TestHTTP3HasTheStaplesAndTheRefusals(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	names := []string{"one.test", "two.test"}
	for _, name := range names {
		h.site(h.leaf(name), "")
	}
	h.start("", "")
	for _, name := range names {
		shown, err := client.Target{Addr: h.Addr(), Name: name, Roots: h.CA.Pool()}.DoQUIC()
		if err == nil {
			err = shown.GoodStaple()
		}
		if err != nil {
			t.Errorf("S1 over QUIC: %s: %v", name, err)
		} else if shown.Leaf.Subject.CommonName != name {
			t.Errorf("QUIC: %s has the certificate of %s", name, shown.Leaf.Subject.CommonName)
		}
	}

	resp := must(t)(h.client(nil).Get(fmt.Sprintf("https://one.test:%d/", h.HTTPS))).(*http.Response)
	_ = resp.Body.Close()
	if want, got := fmt.Sprintf(`h3=":%d"; ma=86400`, h.HTTPS), resp.Header.Get("Alt-Svc"); got != want {
		t.Errorf("Alt-Svc = %q, want %q", got, want)
	}
	sessions := tls.NewLRUClientSessionCache(4)
	for i := range 2 {
		resp := must(t)(h.client3(sessions).Get("https://one.test/")).(*http.Response)
		_ = resp.Body.Close()
		if resp.ProtoMajor != 3 || resp.TLS.DidResume != (i == 1) {
			t.Errorf("request %d: %s, resumed %v", i, resp.Proto, resp.TLS.DidResume)
		}
	}

	h.OCSP.Behave(responder.Revoked)
	h.Do("ocsp", "refresh", "one.test")
	h.AwaitReason("one.test", "revoked", soon)
	if resp, err := h.client3(sessions).Get("https://one.test/"); err == nil {
		_ = resp.Body.Close()
		t.Error("V2 over QUIC: a revoked certificate is served")
	}
	if _, err := get(h.client3(nil), "https://two.test/"); err != nil {
		t.Errorf("QUIC: the other site: %v", err)
	}
}
