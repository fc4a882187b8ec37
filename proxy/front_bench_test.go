package proxy

import (
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"dwaar/proxy/accesslog"
	"dwaar/proxy/handler"
)

type nowhere struct{ header http.Header }

func (w *nowhere) Header() http.Header         { return w.header }
func (w *nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (w *nowhere) WriteHeader(int)             { clear(w.header) }

// What serving costs a request beside net/http and the handler, which answers
// with a text of five bytes.
func BenchmarkFront(b *testing.B) {
	site := Site{Hosts: []string{"a.test"}, Routes: handler.Chain{{Directive: handler.Respond{Body: "hello"}}}}
	logged := site
	logged.Logs = []accesslog.Config{{Output: accesslog.Stdout}}
	for _, c := range []struct {
		name string
		cfg  Config
	}{
		{"plain", Config{Listeners: []Listener{{Address: "127.0.0.1:0", Sites: []Site{site}}}}},
		{"h3 announced", Config{Listeners: []Listener{{Address: "127.0.0.1:0", TLS: true, Sites: []Site{site}}}}},
		{"counted", Config{Metrics: true, Listeners: []Listener{{Address: "127.0.0.1:0", Sites: []Site{site}}}}},
		{"logged", Config{Listeners: []Listener{{Address: "127.0.0.1:0", Sites: []Site{logged}}}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := New(slog.New(slog.DiscardHandler))
			s.logs = accesslog.NewLogs(io.Discard, io.Discard, s.log)
			p, err := s.Prepare(c.cfg, func(string) *tls.Config { return &tls.Config{} })
			if err != nil {
				b.Fatal(err)
			}
			defer p.Abort()
			front := p.fronts["127.0.0.1:0"]
			front.draining = func() bool { return false }
			for _, run := range p.logs.Commit() {
				go run(b.Context())
			}
			r := httptest.NewRequest(http.MethodGet, "https://a.test/api/x?q=1", nil)
			r.TLS = nil
			w := &nowhere{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				front.ServeHTTP(w, r)
			}
		})
	}
}
