package integration

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"testing"

	"dwaar/integration/internal/client"
	"dwaar/integration/internal/pki"
)

// S6, S7: whatever kind of key, whatever encoding, in whatever order the file holds its
// certificates: the leaf is the block that matches the key, the whole chain goes on the
// wire leaf first, and the issuer is found for the staple.
func TestEveryKindOfChainIsServedAndStapled(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	names := h.manyChains()
	h.start("", "")
	for _, name := range names {
		shown := h.stapled("S6, S7", name)
		if shown.Leaf.Subject.CommonName != name {
			t.Errorf("S6: %s is answered with the leaf of %s", name, shown.Leaf.Subject.CommonName)
		}
	}
	for version, id := range versions {
		for _, name := range names {
			target := client.Target{Addr: h.Addr(), Name: name, Roots: h.CA.Pool(), Version: id}
			shown, err := target.Do()
			if err == nil {
				err = shown.GoodStaple()
			}
			if err != nil {
				t.Errorf("S6, %s: %s: %v", version, name, err)
			}
		}
	}
}

// manyChains adds a site for each kind of key and each order of the chain.
func (h *house) manyChains() []string {
	t := h.t
	rsaKey := must(t)(rsa.GenerateKey(rand.Reader, 2048)).(*rsa.PrivateKey)
	p256 := must(t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)).(*ecdsa.PrivateKey)
	p384 := must(t)(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)).(*ecdsa.PrivateKey)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	deep := h.CA.Sub(t, "Deep").Sub(t, "Deeper")
	var names []string
	add := func(name string, issuer *pki.Authority, key crypto.Signer, keyPEM []byte, order func([][]byte) [][]byte) {
		name += ".test"
		url := h.OCSP.URL()
		if issuer != h.CA {
			url = h.responderFor(issuer)
		}
		leaf := issuer.Issue(t, pki.Request{Names: []string{name}, OCSP: []string{url}, Key: key})
		cert, keyFile := filepath.Join(h.Dir, name+".crt"), filepath.Join(h.Dir, name+".key")
		pki.WriteFile(t, cert, pki.CertPEM(order(leaf.Chain())...))
		pki.WriteFile(t, keyFile, keyPEM)
		h.siteText(fmt.Sprintf("%s {\n\ttls %s %s\n\trespond ok\n}\n", name, cert, keyFile))
		names = append(names, name)
	}
	asIs := func(chain [][]byte) [][]byte { return chain }
	reversed := func(chain [][]byte) [][]byte { slices.Reverse(chain); return chain }
	withRoot := func(chain [][]byte) [][]byte {
		return append([][]byte{h.CA.Root().Cert.Raw}, chain...)
	}
	add("rsa-pkcs1", h.CA, rsaKey, pki.PKCS1(t, rsaKey), asIs)
	add("rsa-pkcs8", h.CA, rsaKey, pki.PKCS8(t, rsaKey), reversed)
	add("p256-sec1", h.CA, p256, pki.SEC1(t, p256), asIs)
	add("p256-sec1-params", h.CA, p256, withParams(pki.SEC1(t, p256)), withRoot)
	add("p384-pkcs8", h.CA, p384, pki.PKCS8(t, p384), reversed)
	add("ed25519", h.CA, ed, pki.PKCS8(t, ed), withRoot)
	add("deep", deep, p256, pki.PKCS8(t, p256), asIs)
	add("deep-reversed", deep, p384, pki.SEC1(t, p384), reversed)
	return names
}

// withParams is what `openssl ecparam -name prime256v1 -genkey` writes: a block of curve
// parameters before the key.
func withParams(key []byte) []byte {
	const params = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
	return append([]byte(params), key...)
}

// S7: a file that holds the leaf alone is completed from the leaf's caIssuers URL, through
// the guard, and stapled.
func TestMissingIssuerIsFetchedFromTheLeafsAIA(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/pkix-cert")
		_, _ = w.Write(h.CA.Cert.Raw)
	})
	leaf := h.CA.Issue(t, pki.Request{
		Names: []string{"alone.test"}, OCSP: []string{h.OCSP.URL()}, CAIssuers: []string{url + "/issuer.cer"},
	})
	files := h.site(leaf, "")
	pki.WriteFile(t, files.Cert, pki.CertPEM(leaf.Cert.Raw))
	h.start("", "")
	h.AwaitReason("alone.test", "good", soon)
	shown, err := client.Target{Addr: h.Addr(), Name: "alone.test"}.Do()
	if err != nil {
		t.Fatal(err)
	}
	shown.Issuer = h.CA.Cert // the chain on the wire is what the file holds
	if err := shown.GoodStaple(); err != nil {
		t.Errorf("S7: %v", err)
	}
}

// Names are looked up as exact name first, then with one label as a wildcard; several
// names share one certificate; what nobody serves gets the alert unrecognized_name.
func TestNamesAndWildcardsFindTheirCertificate(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	wild := h.CA.Issue(t, pki.Request{Names: []string{"*.wild.test"}, OCSP: []string{h.OCSP.URL()}})
	exact := h.leaf("exact.wild.test")
	two := h.CA.Issue(t, pki.Request{Names: []string{"one.test", "two.test"}, OCSP: []string{h.OCSP.URL()}})
	h.site(wild, "")
	h.site(exact, "")
	files := two.Write(t, h.Dir, "two")
	h.siteText(fmt.Sprintf("one.test, two.test {\n\ttls %s %s\n\trespond {host}\n}\n", files.Cert, files.Key))
	h.start("", "")
	for name, want := range map[string]*pki.Leaf{
		"a.wild.test": wild, "A.Wild.TEST": wild, "exact.wild.test": exact, "one.test": two, "two.test": two,
	} {
		shown := h.stapled("names", name)
		if !bytes.Equal(shown.Leaf.Raw, want.Cert.Raw) {
			t.Errorf("%s is answered with the leaf of %s", name, shown.Leaf.Subject.CommonName)
		}
	}
	for _, name := range []string{"wild.test", "a.b.wild.test", "nobody.test", ""} {
		_, err := h.tryAny(name)
		if err == nil || !hasAlert(err, "unrecognized name") {
			t.Errorf("%q: %v, want the alert unrecognized_name", name, err)
		}
	}
}

func (h *house) tryAny(name string) (client.Handshake, error) {
	return client.Target{Addr: h.Addr(), Name: name, Config: func(c *tls.Config) { c.InsecureSkipVerify = true }}.Do()
}

// TLS 1.1 and older are refused.
func TestOldTLSVersionsAreRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.site(h.leaf("old.test"), "")
	h.start("", "")
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
		if _, err := (client.Target{Addr: h.Addr(), Name: "old.test", Roots: h.CA.Pool(), Version: version}).Do(); !hasAlert(err, "protocol version") {
			t.Errorf("%s: %v, want the alert protocol_version", tls.VersionName(version), err)
		}
	}
}

// default_sni answers clients that name nobody, or nobody here.
func TestDefaultSNIAnswersTheNameless(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.site(h.leaf("main.test"), "")
	h.site(h.leaf("other.test"), "")
	h.start("default_sni main.test", "")
	for _, name := range []string{"", "nobody.test"} {
		shown, err := h.tryAny(name)
		if err != nil || shown.Leaf.Subject.CommonName != "main.test" || len(shown.Staple) == 0 {
			t.Errorf("default_sni: %q: %v, %d bytes of staple", name, err, len(shown.Staple))
		}
	}
}
