package relay_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"dwaar/ocspsvc/relay"
	"dwaar/ocspsvc/responder"
)

// discard is a ResponseWriter that costs nothing.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// BenchmarkCached is an answer from memory, from path or body to headers.
func BenchmarkCached(b *testing.B) {
	d := newDesk(b)
	handler, der := responder.Handler(d.relay, responder.Options{}), d.der(d.ca.Leaf(b))
	get := func() *http.Request {
		return httptest.NewRequest(http.MethodGet, "/"+base64.StdEncoding.EncodeToString(der), nil)
	}
	handler.ServeHTTP(discard{http.Header{}}, get())
	b.Run("GET", func(b *testing.B) {
		w, r := discard{http.Header{}}, get()
		b.ReportAllocs()
		for b.Loop() {
			handler.ServeHTTP(w, r)
		}
	})
	b.Run("POST", func(b *testing.B) {
		body := bytes.NewReader(nil)
		w, r := discard{http.Header{}}, httptest.NewRequest(http.MethodPost, "/", body)
		b.ReportAllocs()
		for b.Loop() {
			body.Reset(der)
			handler.ServeHTTP(w, r)
		}
	})
	b.Run("GET,parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			w, r := discard{http.Header{}}, get()
			for pb.Next() {
				handler.ServeHTTP(w, r)
			}
		})
	})
	if n := d.responder.Count(); n != 1 {
		b.Errorf("%d requests", n)
	}
}

// BenchmarkClaim is the look for what is due, and how long a hit is held up by it at the
// most.
func BenchmarkClaim(b *testing.B) {
	for _, entries := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(entries), func(b *testing.B) {
			look, hit := relay.Claimer(entries)
			var longest atomic.Int64
			end := make(chan struct{})
			go func() {
				for {
					select {
					case <-end:
						return
					default:
						begun := time.Now()
						hit()
						longest.Store(max(longest.Load(), int64(time.Since(begun))))
						time.Sleep(50 * time.Microsecond)
					}
				}
			}()
			b.ReportAllocs()
			for b.Loop() {
				look()
			}
			close(end)
			b.ReportMetric(float64(longest.Load())/1e3, "µs/longest-hit")
		})
	}
}
