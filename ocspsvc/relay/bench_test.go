package relay_test

import (
	"encoding/base64"
	"net/http"
	"testing"

	"dwaar/ocspsvc/responder"
)

// discard is a ResponseWriter that costs nothing.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// BenchmarkCachedGet is an answer from memory, from path to headers.
func BenchmarkCachedGet(b *testing.B) {
	d := newDesk(b)
	handler := responder.Handler(d.relay, responder.Options{})
	r, err := http.NewRequest(http.MethodGet, "/"+base64.StdEncoding.EncodeToString(d.der(d.ca.Leaf(b))), nil)
	if err != nil {
		b.Fatal(err)
	}
	w := discard{http.Header{}}
	handler.ServeHTTP(w, r)
	b.ReportAllocs()
	for b.Loop() {
		handler.ServeHTTP(w, r)
	}
	if n := d.responder.Count(); n != 1 {
		b.Errorf("%d requests", n)
	}
}
