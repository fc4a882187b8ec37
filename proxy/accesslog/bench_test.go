package accesslog_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"dwaar/proxy/accesslog"
)

// What the access log costs a request: one line, with everything in it.
func BenchmarkRecord(b *testing.B) {
	logs := accesslog.NewLogs(io.Discard, io.Discard, slog.New(slog.DiscardHandler))
	config := accesslog.Config{Output: accesslog.Discard}
	change, err := logs.Prepare([]accesslog.Config{config})
	if err != nil {
		b.Fatal(err)
	}
	log, r, client := change.Log(config, false), request(), netip.MustParseAddr("192.0.2.1")
	header := http.Header{"Content-Type": {"text/html; charset=utf-8"}, "Date": {"Fri, 20 Nov 2026 16:00:00 GMT"}}
	for _, run := range change.Commit() {
		go run(b.Context())
	}
	b.ReportAllocs()
	for b.Loop() {
		log.Begin(r, client, time.Now()).End(accesslog.Answer{Status: 200, Size: 1024, Upstream: "10.0.0.1:8080", Header: header})
	}
}
