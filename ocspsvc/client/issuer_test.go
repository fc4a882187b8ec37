package client_test

import (
	"bytes"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/client"
	"dwaar/ocspsvc/ocsptest"
)

// certsOnly is the degenerate SignedData of RFC 5652 §5.2 that CAs publish.
func certsOnly(certs ...[]byte) []byte {
	var b cryptobyte.Builder
	explicit0 := cbasn1.Tag(0).ContextSpecific().Constructed()
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2})
		b.AddASN1(explicit0, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(1)
				b.AddASN1(cbasn1.SET, func(*cryptobyte.Builder) {})
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1})
				})
				b.AddASN1(explicit0, func(b *cryptobyte.Builder) {
					for _, cert := range certs {
						b.AddBytes(cert)
					}
				})
				b.AddASN1(cbasn1.SET, func(*cryptobyte.Builder) {})
			})
		})
	})
	return b.BytesOrPanic()
}

// body answers every request with the same bytes.
type body []byte

func (b body) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		http.Error(w, "GET only", http.StatusMethodNotAllowed)
		return
	}
	w.Write(b)
}

// issuing is a world whose leaf names ca.example for its issuer, which serves
// what answer makes.
func issuing(t *testing.T, answer func(ca *ocsptest.CA) http.Handler) *world {
	w := newWorld(t)
	w.Name("ca.example", "8.8.4.4")
	w.Serve("8.8.4.4:80", answer(w.ca))
	w.leaf = w.ca.Leaf(t, ocsptest.CAIssuers("http://ca.example/ca.cer"))
	return w
}

func (w *world) wantIssuer(want ocspsvc.Reason) {
	w.t.Helper()
	issuer, err := w.client(w.cfg).FetchIssuer(w.t.Context(), w.leaf.Cert)
	switch {
	case ocspsvc.ReasonOf(err) != want:
		w.t.Errorf("FetchIssuer = %s, %v; want reason %q", subject(issuer), err, want)
	case err == nil && !issuer.Equal(w.ca.Cert):
		w.t.Errorf("FetchIssuer = %s", subject(issuer))
	case err != nil && issuer != nil:
		w.t.Error("FetchIssuer returned an issuer with its error")
	}
}

func TestTheIssuerIsReadInEveryFormCAsPublish(t *testing.T) {
	for name, form := range map[string]func(ca *ocsptest.CA) []byte{
		"DER":                func(ca *ocsptest.CA) []byte { return ca.Cert.Raw },
		"PEM":                func(ca *ocsptest.CA) []byte { return ocsptest.CertPEM(ca.Cert) },
		"PEM bundle":         func(ca *ocsptest.CA) []byte { return ocsptest.CertPEM(ca.Root.Cert, ca.Cert) },
		"PEM with remarks":   func(ca *ocsptest.CA) []byte { return append([]byte("subject=CA\n"), ocsptest.CertPEM(ca.Cert)...) },
		"PKCS#7":             func(ca *ocsptest.CA) []byte { return certsOnly(ca.Cert.Raw) },
		"PKCS#7 with others": func(ca *ocsptest.CA) []byte { return certsOnly(ca.Root.Cert.Raw, ca.Cert.Raw) },
		"PKCS#7 in PEM": func(ca *ocsptest.CA) []byte {
			return pem.EncodeToMemory(&pem.Block{Type: "PKCS7", Bytes: certsOnly(ca.Cert.Raw)})
		},
		"bundle with an unreadable one": func(ca *ocsptest.CA) []byte {
			return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte{0x30, 0}}), ocsptest.CertPEM(ca.Cert)...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				issuing(t, func(ca *ocsptest.CA) http.Handler { return body(form(ca)) }).wantIssuer("")
			})
		})
	}
}

func TestOnlyTheIssuerThatSignedIsReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuing(t, func(ca *ocsptest.CA) http.Handler { return body(ca.Twin(t).Cert.Raw) }).wantIssuer(ocspsvc.ReasonWrongCertificate)
		w := issuing(t, func(ca *ocsptest.CA) http.Handler { return body(ocsptest.CertPEM(ca.Twin(t).Cert, ca.Cert)) })
		w.wantIssuer("")
	})
}

func TestABadIssuerURLDoesNotHideTheNext(t *testing.T) {
	for _, status := range []int{404, 500} {
		synctest.Test(t, func(t *testing.T) {
			w := issuing(t, func(ca *ocsptest.CA) http.Handler { return body(ca.Cert.Raw) })
			w.Name("broken.example", "8.8.1.1", "8.8.1.2")
			w.Serve("8.8.1.1:80", &redirecting{status: status})
			w.Mute("8.8.1.2:80")
			w.leaf = w.ca.Leaf(t, ocsptest.CAIssuers("ldap://dir.example/", "http://broken.example/", "http://ca.example/ca.cer"))
			start := time.Now()
			w.wantIssuer("")
			if took := time.Since(start); took != 0 {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestIssuerFailuresHaveTheirReason(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer http.Handler
		want   ocspsvc.Reason
	}{
		{"404", &redirecting{status: 404}, ocspsvc.ReasonHTTPError},
		{"blocked redirect", &redirecting{status: 302, location: "http://10.0.0.1/"}, ocspsvc.ReasonBlockedAddress},
		{"redirect for ever", &redirecting{status: 302, location: "/"}, ocspsvc.ReasonHTTPError},
		{"web page", body("<html>"), ocspsvc.ReasonMalformed},
		{"nothing", body(nil), ocspsvc.ReasonMalformed},
		{"PEM without certificate", body("-----BEGIN X-----\n-----END X-----\n"), ocspsvc.ReasonMalformed},
		{"oversize", body(make([]byte, 65<<10)), ocspsvc.ReasonTooLarge},
		{"hang", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), ocspsvc.ReasonTimeout},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				w := issuing(t, func(*ocsptest.CA) http.Handler { return tt.answer })
				if w.wantIssuer(tt.want); time.Since(start) > 10*time.Second {
					t.Errorf("took %v", time.Since(start))
				}
			})
		})
	}
}

func TestWithoutAURLThereIsNoIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.wantIssuer(ocspsvc.ReasonNoIssuer)
		w.leaf = w.ca.Leaf(t, ocsptest.CAIssuers("ldap://dir.example/"))
		w.wantIssuer(ocspsvc.ReasonNoIssuer)
		w.leaf = ocsptest.SelfSigned(t, ocsptest.CAIssuers("http://ca.example/"))
		w.wantIssuer(ocspsvc.ReasonSelfSigned)
		if got := w.Dials(); len(got) != 0 {
			t.Errorf("dialled %v", got)
		}
	})
}

func TestAnIssuerSearchHasAtMostEightRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		broken := &redirecting{status: 302, location: "/again"}
		var urls []string
		for i := range 6 {
			host := fmt.Sprintf("r%d.example", i)
			w.Name(host, fmt.Sprintf("8.8.4.%d", i))
			w.Serve(fmt.Sprintf("8.8.4.%d:80", i), broken)
			urls = append(urls, "http://"+host+"/")
		}
		w.leaf = w.ca.Leaf(t, ocsptest.CAIssuers(urls...))
		if w.wantIssuer(ocspsvc.ReasonHTTPError); len(broken.methods) != 8 || slices.Contains(broken.methods, "POST") {
			t.Errorf("requests: %q", broken.methods)
		}
	})
}

func TestBundlesAreBounded(t *testing.T) {
	ca := ocsptest.NewCA(t)
	for name, bundle := range map[string][]byte{
		"PKCS#7": certsOnly(slices.Repeat([][]byte{ca.Cert.Raw}, 100)...),
		"PEM":    bytes.Repeat(ocsptest.CertPEM(ca.Cert), 100),
	} {
		certs, err := client.ParseCertificates(bundle)
		if err != nil || len(certs) != 32 {
			t.Errorf("%s: %d certificates, %v; want 32", name, len(certs), err)
		}
	}
}

func FuzzParseCertificates(f *testing.F) {
	ca := ocsptest.NewCA(f)
	for _, seed := range [][]byte{
		ca.Cert.Raw, ocsptest.CertPEM(ca.Cert, ca.Root.Cert), certsOnly(ca.Cert.Raw, ca.Root.Cert.Raw), certsOnly(), nil,
		pem.EncodeToMemory(&pem.Block{Type: "PKCS7", Bytes: certsOnly(ca.Cert.Raw)}), []byte("-----BEGIN "),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		certs, err := client.ParseCertificates(data)
		if (err == nil) != (len(certs) > 0) || len(certs) > 32 {
			t.Fatalf("%d certificates, %v", len(certs), err)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "neither a certificate") {
			t.Fatalf("error %v", err)
		}
	})
}
