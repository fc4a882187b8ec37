package proxy_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"dwaar/proxy/handler"
	"dwaar/proxy/match"
	"dwaar/proxy/upstream"
)

// nowhere is a response writer that costs nothing itself.
type nowhere struct{ header http.Header }

func (w *nowhere) Header() http.Header         { return w.header }
func (w *nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (w *nowhere) WriteHeader(int)             { clear(w.header) }

func benchmark(b *testing.B, chain handler.Chain) {
	lease := upstream.NewPools().Lease()
	defer lease.Release()
	apply, err := chain.Compile(&handler.Env{Log: slog.New(slog.DiscardHandler), Pools: lease})
	if err != nil {
		b.Fatal(err)
	}
	h := apply(http.NotFoundHandler())
	r := httptest.NewRequest(http.MethodGet, "http://a.test/api/x?q=1", nil)
	w := &nowhere{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(handler.NewResponse(w), r)
	}
}

// One request by one upstream on loopback, the upstream's work included.
func BenchmarkProxiedRequest(b *testing.B) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	defer up.Close()
	benchmark(b, proxyTo(up.URL))
}

// Routing, matching and a fixed answer.
func BenchmarkRespondBehindMatchers(b *testing.B) {
	benchmark(b, handler.Chain{
		{Match: &match.Set{Path: match.Path{"/static/*"}}, Directive: handler.Handle{Routes: respond("static")}},
		{Match: &match.Set{Path: match.Path{"/api/*"}}, Directive: handler.Handle{Routes: respond("api")}},
	})
}
