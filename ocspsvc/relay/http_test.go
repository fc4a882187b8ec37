package relay_test

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/responder"
)

func (d *desk) der(leaf *ocsptest.Leaf) []byte {
	d.t.Helper()
	der, err := (&ocspsvc.Request{CertIDs: []ocspsvc.CertID{d.certID(leaf, crypto.SHA1)}}).Marshal()
	if err != nil {
		d.t.Fatal(err)
	}
	return der
}

// As Apache, nginx, OpenSSL and others put it: by GET and POST, to the relay's
// own URL, and as to a proxy, with the responder's.
func TestEveryFormOfARequestSharesOneAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		handler := responder.Handler(d.relay, responder.Options{})
		der := d.der(d.ca.Leaf(t))
		text := base64.StdEncoding.EncodeToString(der)
		var first []byte
		for _, form := range []struct{ method, url string }{
			{http.MethodPost, "/"},
			{http.MethodPost, "http://ocsp.example/"},
			{http.MethodPost, "http://169.254.169.254/latest/meta-data"}, // whatever it says
			{http.MethodGet, "/" + text},
			{http.MethodGet, "/" + url.QueryEscape(text)},
			{http.MethodGet, "http://ocsp.example/" + url.QueryEscape(text)},
			{http.MethodGet, "http://ocsp.example/some/path/" + text},
			{http.MethodGet, "http://169.254.169.254/" + text},
		} {
			r := httptest.NewRequest(form.method, form.url, nil)
			if form.method == http.MethodPost {
				r = httptest.NewRequest(form.method, form.url, bytes.NewReader(der))
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if first == nil {
				first = w.Body.Bytes()
			}
			if w.Code != http.StatusOK || !bytes.Equal(w.Body.Bytes(), first) || len(first) < 100 {
				t.Errorf("%s %s: HTTP %d, %d octets", form.method, form.url, w.Code, w.Body.Len())
			}
			if h := w.Header(); h.Get("Content-Type") != "application/ocsp-response" || !strings.Contains(h.Get("Cache-Control"), "max-age=") || h.Get("ETag") == "" {
				t.Errorf("%s %s: headers %v", form.method, form.url, h)
			}
		}
		if n := d.responder.Count(); n != 1 {
			t.Errorf("%d requests", n)
		}
		for _, dialled := range d.Dials() {
			if dialled != "8.8.8.8:80" {
				t.Errorf("dialled %s", dialled)
			}
		}
	})
}

func TestErrorsOfTheRelayAreUnsignedAndNotCached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		handler := responder.Handler(d.relay, responder.Options{})
		d.down()
		for _, c := range []struct {
			name string
			der  []byte
			want ocspsvc.ResponseStatus
		}{
			{"an outage", d.der(d.ca.Leaf(t)), ocspsvc.TryLater},
			{"another CA", d.der(ocsptest.NewCA(t).Leaf(t)), ocspsvc.Unauthorized},
			{"garbage", []byte("hello"), ocspsvc.MalformedRequest},
		} {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(c.der)))
			if w.Code != http.StatusOK || !bytes.Equal(w.Body.Bytes(), ocspsvc.MarshalError(c.want)) || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s: HTTP %d, %x, %v", c.name, w.Code, w.Body, w.Header())
			}
		}
	})
}
