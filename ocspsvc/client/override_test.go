package client_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/client"
	"dwaar/ocspsvc/ocsptest"
)

// file writes data below a temporary directory.
func file(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "issuer.pem")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// overridden is a world whose leaf names a dead URL, in which ocsp.example is
// reached by an override for it.
func overridden(t *testing.T, of func(w *world) string) *world {
	w := newWorld(t)
	w.Name("old.example", "8.8.4.4")
	w.urls("http://old.example/ca")
	w.cfg.Overrides = []client.Override{{For: of(w), URL: "http://ocsp.example/"}}
	return w
}

func TestAnOverrideReplacesAURL(t *testing.T) {
	for named, replaced := range map[string]bool{
		"http://old.example/ca":  true,
		"HTTP://OLD.example/ca":  true,
		"http://old.example/ca/": false,
		"http://old.example/CA":  false,
		"http://old.example/":    false,
		"https://old.example/ca": false,
	} {
		synctest.Test(t, func(t *testing.T) {
			w := overridden(t, func(*world) string { return named })
			if replaced {
				w.wantAsked(w.responder, ocspsvc.ReasonGood, "GET sha1")
			} else {
				w.wantAsked(w.responder, ocspsvc.ReasonUnreachable)
			}
		})
	}
}

func TestAnEmptyPathIsARootPath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := overridden(t, func(*world) string { return "http://old.example" })
		w.urls("http://old.example/")
		w.wantReason(ocspsvc.ReasonGood)
	})
}

func TestAnOverrideOfOneURLKeepsTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := overridden(t, func(*world) string { return "http://old.example/ca" })
		w.Name("second.example", "8.8.1.1")
		second := w.another("8.8.1.1:80", ocsptest.Good)
		w.urls("http://old.example/ca", "http://second.example/")
		w.responder.Set(ocsptest.HTTP404)
		w.wantAsked(second, ocspsvc.ReasonGood, "GET sha1")
	})
}

func TestAnOverrideForAnIssuerFile(t *testing.T) {
	for name, write := range map[string]func(w *world) []byte{
		"PEM":        func(w *world) []byte { return ocsptest.CertPEM(w.ca.Cert) },
		"DER":        func(w *world) []byte { return w.ca.Cert.Raw },
		"PEM bundle": func(w *world) []byte { return ocsptest.CertPEM(w.ca.Root.Cert, w.ca.Cert) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := overridden(t, func(w *world) string { return file(w.t, write(w)) })
				w.wantReason(ocspsvc.ReasonGood)
				w.urls() // also for leaves that name no responder
				w.wantReason(ocspsvc.ReasonGood)
				if got := w.Dials(); len(got) != 2 {
					t.Errorf("dialled %v", got)
				}
			})
		})
	}
}

func TestAnOverrideForAnotherIssuerDoesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := overridden(t, func(w *world) string { return file(w.t, ocsptest.CertPEM(w.ca.Twin(w.t).Cert)) })
		w.wantAsked(w.responder, ocspsvc.ReasonUnreachable)
		w.urls()
		w.wantReason(ocspsvc.ReasonNoResponder)
	})
}

func TestOverridesForTheSameAddUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := overridden(t, func(*world) string { return "http://old.example/ca" })
		w.Name("second.example", "8.8.1.1")
		second := w.another("8.8.1.1:80", ocsptest.Good)
		w.cfg.Overrides = append(w.cfg.Overrides, client.Override{For: "http://old.example/ca", URL: "http://second.example/"})
		w.responder.Set(ocsptest.HTTP404)
		w.wantAsked(second, ocspsvc.ReasonGood, "GET sha1")
	})
}

func TestAnOverrideIsGuardedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.cfg.Overrides = []client.Override{{For: "http://ocsp.example/", URL: "http://127.0.0.1:9000/"}}
		w.wantReason(ocspsvc.ReasonBlockedAddress)
		if got := w.Dials(); len(got) != 0 {
			t.Errorf("dialled %v", got)
		}
	})
}

func TestFetchFromAsksTheGivenURLs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := overridden(t, func(*world) string { return "http://ocsp.example/" })
		w.cfg.Overrides[0].URL = "http://old.example/"
		w.urls()
		c := w.client(w.cfg)
		if _, err := c.FetchFrom(t.Context(), w.leaf.Cert, w.ca.Cert, "http://ocsp.example/"); err != nil {
			t.Error(err)
		}
		if _, err := c.FetchFrom(t.Context(), w.leaf.Cert, w.ca.Cert); ocspsvc.ReasonOf(err) != ocspsvc.ReasonNoResponder {
			t.Errorf("from no URL: %v", err)
		}
		noRevAvail := w.ca.Leaf(t, ocsptest.NoRevAvail())
		if _, err := c.FetchFrom(t.Context(), noRevAvail.Cert, w.ca.Cert, "http://ocsp.example/"); ocspsvc.ReasonOf(err) != ocspsvc.ReasonNoResponder {
			t.Errorf("about a certificate with noRevAvail: %v", err)
		}
	})
}

func TestNewRefusesWhatMakesNoSenseByName(t *testing.T) {
	big := file(t, make([]byte, 2<<20))
	for _, tt := range []struct {
		cfg      client.Config
		problems []string
	}{
		{client.Config{Timeout: -time.Second}, []string{"timeout must not be negative, is -1s"}},
		{client.Config{MaxAge: -time.Second}, []string{"max_age must not be negative, is -1s"}},
		{client.Config{CertID: "md5"}, []string{`cert_id must be sha1 or sha256, is "md5"`}},
		{client.Config{Overrides: []client.Override{{For: "http://a.example/", URL: "ftp://b.example/"}}}, []string{"responder http://a.example/", `scheme "ftp"`}},
		{client.Config{Overrides: []client.Override{{For: "http://0x7f.1/", URL: "http://b.example/"}}}, []string{"responder http://0x7f.1/", "ends in a number"}},
		{client.Config{Overrides: []client.Override{{For: "missing.pem", URL: "http://b.example/"}}}, []string{"responder missing.pem: reading the issuer", "no such file"}},
		{client.Config{Overrides: []client.Override{{For: t.TempDir(), URL: "http://b.example/"}}}, []string{"is a directory"}},
		{client.Config{Overrides: []client.Override{{For: file(t, []byte("no certificate")), URL: "http://b.example/"}}}, []string{"neither a certificate in DER or PEM"}},
		{client.Config{Overrides: []client.Override{{For: file(t, nil), URL: "http://b.example/"}}}, []string{"neither a certificate in DER or PEM"}},
		{client.Config{Overrides: []client.Override{{For: big, URL: "http://b.example/"}}}, []string{"more than 1048576 bytes"}},
		{client.Config{Overrides: []client.Override{{For: "one.pem", URL: "http://b.example/"}, {For: "two.pem", URL: "http://b.example/"}}}, []string{"one.pem", "two.pem"}},
	} {
		_, err := client.New(tt.cfg, newNetwork(t).guard(), nil)
		for _, problem := range tt.problems {
			if err == nil || !strings.Contains(err.Error(), problem) {
				t.Errorf("New(%+v) = %v, want %q", tt.cfg, err, problem)
			}
		}
	}
	if _, err := client.New(client.Config{}, nil, nil); err == nil || !strings.Contains(err.Error(), "needs a guard") {
		t.Errorf("New without a guard = %v", err)
	}
}
