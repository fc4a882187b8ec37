package handler_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"dwaar/proxy/encode"
	"dwaar/proxy/handler"
	"dwaar/proxy/upstream"
)

// encoded is a chain that compresses what an upstream answers.
func encoded(t *testing.T, up http.HandlerFunc) handler.Chain {
	t.Helper()
	server := httptest.NewServer(up)
	t.Cleanup(server.Close)
	return handler.Chain{
		always(handler.Encode{Config: encode.Config{Formats: []encode.Format{{Name: "gzip"}}}}),
		always(handler.ReverseProxy{Config: upstream.Config{Upstreams: []string{server.URL}}}),
	}
}

// What an upstream sends in chunks, without a length, is compressed too.
func TestAnUpstreamsChunksAreEncoded(t *testing.T) {
	line := strings.Repeat("text ", 200)
	for name, up := range map[string]http.HandlerFunc{
		"at once": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, strings.Repeat(line, 10))
		},
		"flushed": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			for range 10 {
				_, _ = io.WriteString(w, line)
				_ = http.NewResponseController(w).Flush()
			}
		},
	} {
		r := asked("GET", "/")
		r.Header.Set("Accept-Encoding", "gzip")
		response := do(t, encoded(t, up), r)
		if got := response.Header.Get("Content-Encoding"); got != "gzip" {
			t.Errorf("%s: Content-Encoding %q", name, got)
		}
		if body := text(t, response); len(body) == 0 || len(body) > 5000 {
			t.Errorf("%s: %d bytes", name, len(body))
		}
	}
}

// The header of an upstream that takes its time does not wait for its body.
func TestABodyThatComesLaterIsEncoded(t *testing.T) {
	seen := make(chan struct{})
	server := httptest.NewServer(compiled(t, encoded(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_ = http.NewResponseController(w).Flush()
		<-seen
		_, _ = io.WriteString(w, strings.Repeat("text ", 2000))
	})))
	defer server.Close()
	response, err := http.Get(server.URL) // which asks for gzip by itself
	close(seen)
	if err != nil {
		t.Fatal(err)
	}
	if body := text(t, response); !response.Uncompressed || body != strings.Repeat("text ", 2000) {
		t.Errorf("compressed %v, %d bytes", response.Uncompressed, len(body))
	}
}

func TestWhatAnUpstreamHasEncodedStays(t *testing.T) {
	chain := encoded(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "br")
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("ETag", `"x"`)
		_, _ = io.WriteString(w, strings.Repeat("b", 2000))
	})
	r := asked("GET", "/")
	r.Header.Set("Accept-Encoding", "gzip, br")
	response := do(t, chain, r)
	if response.Header.Get("Content-Encoding") != "br" || response.Header.Get("Etag") != `"x"` || text(t, response) != strings.Repeat("b", 2000) {
		t.Errorf("%v", response.Header)
	}
}

func TestAnUpgradePassesEncode(t *testing.T) {
	chain := encoded(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		line, _ := rw.ReadString('\n')
		_, _ = io.WriteString(conn, line)
	})
	server := httptest.NewServer(compiled(t, chain))
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, nil)
	if err != nil || response.StatusCode != 101 || response.Header.Get("Content-Encoding") != "" {
		t.Fatalf("%v, %v", response, err)
	}
	_, _ = io.WriteString(conn, "hello\n")
	if line, err := reader.ReadString('\n'); err != nil || line != "hello\n" {
		t.Errorf("%q, %v", line, err)
	}
}

// Events arrive one by one, although they are compressible.
func TestEventsPassEncodeOneByOne(t *testing.T) {
	next := make(chan struct{})
	chain := encoded(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			_, _ = fmt.Fprintf(w, "data: %d\n\n", i)
			_ = http.NewResponseController(w).Flush()
			<-next
		}
	})
	server := httptest.NewServer(compiled(t, chain))
	defer server.Close()
	r, err := http.NewRequest(http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "gzip")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	reader := bufio.NewReader(response.Body)
	for i := range 3 {
		if line, err := reader.ReadString('\n'); err != nil || line != fmt.Sprintf("data: %d\n", i) {
			t.Errorf("event %d: %q, %v", i, line, err)
		}
		_, _ = reader.ReadString('\n')
		next <- struct{}{}
	}
}
