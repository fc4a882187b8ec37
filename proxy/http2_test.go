package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"
)

func TestHTTP2StreamsInBothDirectionsWithTrailers(t *testing.T) {
	server := start(t, secure(proxyTo(backend(t, func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		_ = rc.EnableFullDuplex()
		w.Header().Set("Trailer", "X-Sum")
		_ = rc.Flush()
		lines := bufio.NewScanner(r.Body)
		n := 0
		for lines.Scan() {
			n++
			fmt.Fprintln(w, "got", lines.Text())
			_ = rc.Flush()
		}
		w.Header().Set("X-Sum", fmt.Sprint(n, " ", r.Trailer.Get("X-Last")))
	}))))
	upload, feed := io.Pipe()
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://a.test/", upload)
	r.Trailer = http.Header{"X-Last": nil}
	response, err := server.client(loopback).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if response.Proto != "HTTP/2.0" {
		t.Errorf("protocol = %s", response.Proto)
	}
	lines := bufio.NewScanner(response.Body)
	for _, word := range []string{"one", "two"} {
		fmt.Fprintln(feed, word)
		if !lines.Scan() || lines.Text() != "got "+word {
			t.Fatalf("line = %q, %v", lines.Text(), lines.Err())
		}
	}
	r.Trailer.Set("X-Last", "end")
	_ = feed.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	if got := response.Trailer.Get("X-Sum"); got != "2 end" {
		t.Errorf("trailer = %q, want 2 end", got)
	}
	_ = response.Body.Close()
}

func TestHTTP2StreamThatBreaksIsNoCompleteResponse(t *testing.T) {
	server := start(t, secure(proxyTo(rawBackend(t, func(c *raw) {
		_, _ = http.ReadRequest(c.r)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
	}))))
	client := server.client(loopback)
	response, err := client.Get("https://a.test/")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if got, err := io.ReadAll(response.Body); err == nil {
		t.Errorf("body = %q, want an error", got)
	}
}

func TestHTTP2EarlyResponseDoesNotWaitForTheBody(t *testing.T) {
	server := start(t, secure(respond("no")))
	upload, feed := io.Pipe()
	defer feed.Close()
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://a.test/", upload)
	response, err := server.client(loopback).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if got := body(t, response); got != "no" {
		t.Errorf("body = %q", got)
	}
}

func TestHTTP2SlowBodyIsAnsweredWith408(t *testing.T) {
	cfg := secure(proxyTo(backend(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })))
	cfg.Timeouts.ReadBody = 200 * time.Millisecond
	upload, feed := io.Pipe()
	defer feed.Close()
	go func() { _, _ = io.WriteString(feed, "abc") }()
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://a.test/", upload)
	response, err := start(t, cfg).client(loopback).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = body(t, response)
	if response.StatusCode != http.StatusRequestTimeout {
		t.Errorf("status = %d, want 408", response.StatusCode)
	}
}
