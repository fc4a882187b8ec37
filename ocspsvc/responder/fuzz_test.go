package responder_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/responder"
)

// FuzzGet wants that no path makes the handler panic or answer anything but
// OCSP, and that every request gets its answer in whatever form it comes.
func FuzzGet(f *testing.F) {
	ca := ocsptest.NewCA(f)
	source := ocsptest.NewResponder(f, ca)
	handler := responder.Handler(source, responder.Options{Prefix: "/ocsp"})
	for _, path := range []string{"/ocsp/MEow", "/ocsp//MEow%3D%3D", "/ocsp/%2F-_", "/", "//", "/ocsp/%", "/ocsp/MEow=="} {
		f.Add(path, []byte{0x30, 0})
	}
	f.Fuzz(func(t *testing.T, path string, der []byte) {
		get(t, handler, &url.URL{Path: path})
		get(t, handler, &url.URL{Path: path, RawPath: path})
		if len(der) > ocspsvc.MaxRequestSize {
			return
		}
		encoded := base64.StdEncoding.EncodeToString(der)
		plain := get(t, handler, &url.URL{Path: "/ocsp/" + encoded})
		escaped := get(t, handler, &url.URL{Path: "/ocsp/" + encoded, RawPath: "/ocsp/" + url.QueryEscape(encoded)})
		if plain != escaped {
			t.Errorf("%v for %s, %v percent-encoded", plain, encoded, escaped)
		}
		below := get(t, handler, &url.URL{Path: "/ocsp/Make/MEow//" + encoded})
		if _, err := ocspsvc.ParseRequest(der); err == nil && plain != below {
			t.Errorf("%v for %s, %v in a directory", plain, encoded, below)
		}
	})
}

// get returns the status of the OCSP response, or the HTTP one if over 200.
func get(t *testing.T, handler http.Handler, u *url.URL) int {
	t.Helper()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, &http.Request{Method: http.MethodGet, URL: u})
	if w.Code == http.StatusRequestEntityTooLarge {
		return w.Code
	}
	response, err := ocspsvc.ParseResponse(w.Body.Bytes())
	if w.Code != http.StatusOK || err != nil {
		t.Fatalf("%v gets %d and %v", u, w.Code, err)
	}
	return int(response.ResponseStatus)
}
