package files_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dwaar/proxy/files"
)

// nowhere is a response writer that costs nothing itself.
type nowhere struct{ header http.Header }

func (w *nowhere) Header() http.Header         { return w.header }
func (w *nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (w *nowhere) WriteHeader(int)             {}

// A file of 1 KiB: whole, and for a client that has it.
func BenchmarkFileServer(b *testing.B) {
	h := server(b, files.Config{Root: tree(b, map[string]string{"a.html": strings.Repeat("x", 1024)})})
	for name, etag := range map[string]string{"whole": "", "not modified": get(b, h, "/a.html").Header().Get("Etag")} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, "/a.html", nil)
			if etag != "" {
				r.Header.Set("If-None-Match", etag)
			}
			w := &nowhere{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				h.ServeHTTP(w, r)
			}
		})
	}
}
