package encode_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"dwaar/proxy/encode"
)

var zero time.Time

// nowhere is a response writer that costs nothing itself.
type nowhere struct{ header http.Header }

func (w *nowhere) Header() http.Header         { return w.header }
func (w *nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (w *nowhere) WriteHeader(int)             { clear(w.header) }

// A page of 8.6 KiB in each coding, and for a client that wants none.
func BenchmarkEncode(b *testing.B) {
	for _, accept := range []string{"zstd", "gzip", "br", "none"} {
		b.Run(accept, func(b *testing.B) {
			e, err := encode.New(formats("zstd", "gzip", "br"))
			if err != nil {
				b.Fatal(err)
			}
			h := e.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Content-Type"] = html
				_, _ = w.Write(body)
			}))
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Accept-Encoding", accept)
			w := &nowhere{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(w, r)
			}
		})
	}
}

var (
	html = []string{"text/html"}
	body = []byte(page)
)
