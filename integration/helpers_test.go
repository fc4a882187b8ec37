package integration

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"dwaar/integration/internal/client"
	"dwaar/integration/internal/pki"
	"dwaar/integration/internal/responder"
)

// must returns a function that unwraps (value, error) and fails the test on an error.
func must(t *testing.T) func(any, error) any {
	return func(v any, err error) any {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// hasAlert says whether err is the server's TLS alert of this name.
func hasAlert(err error, alert string) bool {
	return err != nil && strings.Contains(err.Error(), "remote error: tls: "+alert)
}

// serve runs an HTTP server for the test and returns its URL.
func serve(t *testing.T, handle http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(handle)
	t.Cleanup(s.Close)
	return s.URL
}

// responderFor starts another responder, for another issuer.
func (h *house) responderFor(issuer *pki.Authority) string {
	h.t.Helper()
	return responder.New(h.t, issuer).URL()
}

// nextUpdate reads the staple of a handshake.
func nextUpdate(t *testing.T, h client.Handshake) time.Time {
	t.Helper()
	r, err := ocsp.ParseResponse(h.Staple, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r.NextUpdate
}

var errNotYet = errors.New("not yet")
