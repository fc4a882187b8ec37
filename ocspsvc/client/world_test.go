package client_test

import (
	"crypto"
	"crypto/x509"
	"slices"
	"testing"
	"time"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/client"
	"dwaar/ocspsvc/ocsptest"
)

// world is a CA, its responder as ocsp.example at 8.8.8.8, and a leaf that
// names it.
type world struct {
	*network
	ca        *ocsptest.CA
	responder *ocsptest.Responder
	leaf      *ocsptest.Leaf
	cfg       client.Config
	asker     *client.Client // kept once made
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{network: newNetwork(t), ca: ocsptest.NewCA(t)}
	w.responder = ocsptest.NewResponder(t, w.ca)
	w.Name("ocsp.example", "8.8.8.8")
	w.Serve("8.8.8.8:80", w.responder)
	w.urls("http://ocsp.example/")
	return w
}

// urls makes a new leaf with these responder URLs.
func (w *world) urls(urls ...string) {
	w.t.Helper()
	w.leaf = w.ca.Leaf(w.t, ocsptest.OCSP(urls...))
}

// another adds a responder of the same CA at an address.
func (w *world) another(address string, fault ocsptest.Fault) *ocsptest.Responder {
	w.t.Helper()
	r := ocsptest.NewResponder(w.t, w.ca)
	r.Set(fault)
	w.Serve(address, r)
	return r
}

// fetch asks with a new client, or with the one that keep made.
func (w *world) fetch() (*ocspsvc.Response, error) {
	w.t.Helper()
	c := w.asker
	if c == nil {
		c = w.client(w.cfg)
	}
	return c.Fetch(w.t.Context(), w.leaf.Cert, w.ca.Cert)
}

// keep makes the client that all later calls of fetch use.
func (w *world) keep() { w.asker = w.client(w.cfg) }

// wantReason asks and compares the word.
func (w *world) wantReason(want ocspsvc.Reason) {
	w.t.Helper()
	resp, err := w.fetch()
	if got := outcome(resp, err, w.leaf.Cert, w.ca.Cert); got != want {
		w.t.Errorf("reason = %q (%v), want %q", got, err, want)
	}
}

// wantWithin is wantReason with the exact time it takes.
func (w *world) wantWithin(want ocspsvc.Reason, takes time.Duration) {
	w.t.Helper()
	start := time.Now()
	w.wantReason(want)
	if took := time.Since(start); took != takes {
		w.t.Errorf("took %v, want %v", took, takes)
	}
}

// asked says how r was asked, from the given request on: "GET sha1".
func asked(r *ocsptest.Responder, from int) []string {
	var words []string
	for _, hit := range r.Hits()[from:] {
		word := hit.Method + " sha1"
		if hit.Hash == crypto.SHA256 {
			word = hit.Method + " sha256"
		}
		if hit.Header.Get("Cache-Control") == "no-cache" {
			word += " no-cache"
		}
		words = append(words, word)
	}
	return words
}

// wantAsked fetches a response and compares how r was asked for it.
func (w *world) wantAsked(r *ocsptest.Responder, want ocspsvc.Reason, words ...string) {
	w.t.Helper()
	before := r.Count()
	w.wantReason(want)
	if got := asked(r, before); !slices.Equal(got, words) {
		w.t.Errorf("asked by %q, want %q", got, words)
	}
}

func subject(cert *x509.Certificate) string {
	if cert == nil {
		return "none"
	}
	return cert.Subject.String()
}
