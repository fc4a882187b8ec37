package integration

import (
	"testing"

	"dwaar/integration/internal/client"
	"dwaar/integration/internal/pki"
	"dwaar/integration/internal/responder"
)

// A private CA's `openssl ocsp` leaves nextUpdate out unless told otherwise: refused by default,
// with the word that says so; accepted with require_next_update off.
func TestOpenSSLsResponderWithoutNextUpdate(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	openssl := responder.NewOpenSSL(t, h.CA)
	leaf := h.CA.Issue(t, pki.Request{Names: []string{"private.test"}, OCSP: []string{openssl.URL()}})
	openssl.Add(leaf)
	openssl.Start()
	h.site(leaf, "")
	h.start("", "")
	h.AwaitReason("private.test", "no_next_update", soon)
	h.Stop()

	h.Configure(h.Options("", "require_next_update off") + h.sites.String())
	h.Start()
	h.AwaitReason("private.test", "good", soon)
	out := client.SClient(t, h.Addr(), "private.test", h.roots, versions["TLS 1.3"])
	if !out.Has("Cert Status: good") || out.Has("Next Update") {
		t.Errorf("require_next_update off: s_client prints\n%s", out.Text)
	}
}

// The option `responder` sends requests elsewhere: for a URL that the certificates name, or for
// all certificates of an issuer, also such as name none.
func TestResponderOverride(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const named = "http://ocsp.corp.invalid/v1"
	h.site(h.CA.Issue(t, pki.Request{Names: []string{"url.test"}, OCSP: []string{named}}), "")
	other := pki.New(t, "Silent")
	silent := other.Issue(t, pki.Request{Names: []string{"issuer.test"}})
	h.site(silent, "")
	issuer := h.Dir + "/silent.pem"
	pki.WriteFile(t, issuer, pki.CertPEM(other.Cert.Raw))
	h.start("", "responder "+named+" "+h.OCSP.URL()+"/v1\n\t\tresponder "+issuer+" "+h.responderFor(other))
	h.stapled("responder, by URL", "url.test")
	h.AwaitReason("issuer.test", "good", soon)
	shown, err := client.Target{Addr: h.Addr(), Name: "issuer.test", Roots: other.Pool()}.Do()
	if err == nil {
		err = shown.GoodStaple()
	}
	if err != nil {
		t.Errorf("responder, by issuer: %v", err)
	}
}
