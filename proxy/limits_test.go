package proxy_test

import (
	"bytes"

	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestSlowHeaderIsCutOff(t *testing.T) {
	cfg := plain(respond("x"))
	cfg.Timeouts.ReadHeader = 100 * time.Millisecond
	conn := start(t, cfg).dial(loopback)
	conn.send("GET / HTTP/1.1\r\nHost: a")
	conn.ended()
}

func TestSilentHandshakeIsCutOff(t *testing.T) {
	cfg := secure(respond("x"))
	cfg.Timeouts.Handshake = 100 * time.Millisecond
	conn := start(t, cfg).dial(loopback)
	conn.ended()
}

func TestSlowBodyIsAnsweredWith408(t *testing.T) {
	upstream := backend(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	cfg := plain(proxyTo(upstream))
	cfg.Timeouts.ReadBody = 200 * time.Millisecond
	conn := start(t, cfg).dial(loopback)
	conn.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100\r\n\r\nabc")
	response, _ := conn.answer()
	if response.StatusCode != http.StatusRequestTimeout {
		t.Errorf("status = %d, want 408", response.StatusCode)
	}
	conn.ended()
}

func TestBodyThatArrivesInTimeLeavesTheConnectionUsable(t *testing.T) {
	upstream := backend(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		time.Sleep(300 * time.Millisecond) // longer than the body may take
		_, _ = io.WriteString(w, "done")
	})
	cfg := plain(proxyTo(upstream))
	cfg.Timeouts.ReadBody = 150 * time.Millisecond
	conn := start(t, cfg).dial(loopback)
	for range 2 {
		conn.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc")
		if response, got := conn.answer(); response.StatusCode != 200 || got != "done" {
			t.Errorf("answer = %d %q", response.StatusCode, got)
		}
	}
}

func TestUnreadBodyKeepsTheConnectionUsable(t *testing.T) {
	conn := start(t, plain(respond("x"))).dial(loopback)
	for range 2 {
		conn.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\n")
		time.Sleep(20 * time.Millisecond)
		conn.send("abc")
		if _, got := conn.answer(); got != "x" {
			t.Errorf("answer = %q", got)
		}
	}
}

func TestBodyThatNobodyWantsHoldsTheConnectionOnlyForAMoment(t *testing.T) {
	early := rawBackend(t, func(c *raw) {
		_, _ = http.ReadRequest(c.r)
		_, _ = io.WriteString(c, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
		_, _ = io.Copy(io.Discard, c.r)
	})
	server := start(t, plain(proxyTo(early)))
	for _, length := range []string{"Content-Length: 100", "Transfer-Encoding: chunked"} {
		conn := server.dial(loopback)
		_ = conn.SetDeadline(time.Now().Add(6 * time.Second))
		conn.send("POST / HTTP/1.1\r\nHost: a.test\r\n" + length + "\r\n\r\n")
		if response, got := conn.answer(); response.StatusCode != 403 || got != "no" {
			t.Errorf("%s: %d %q", length, response.StatusCode, got)
		}
		conn.ended()
	}
}

func TestBodyThatNeverComesAndNobodyReadsIsAnsweredAllTheSame(t *testing.T) {
	conn := start(t, plain(respond("x"))).dial(loopback)
	_ = conn.SetDeadline(time.Now().Add(6 * time.Second))
	conn.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100\r\n\r\n")
	if _, got := conn.answer(); got != "x" {
		t.Errorf("answer = %q", got)
	}
	conn.ended()
}

func TestWriteTimeoutEndsAResponse(t *testing.T) {
	upstream := backend(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	})
	cfg := plain(proxyTo(upstream))
	cfg.Timeouts.Write = 200 * time.Millisecond
	conn := start(t, cfg).dial(loopback)
	conn.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
	response := conn.response()
	if _, err := io.Copy(io.Discard, response.Body); err == nil {
		t.Error("an endless response ended as if complete")
	}
}

func TestHeaderThatIsTooLargeIs431(t *testing.T) {
	cfg := plain(respond("x"))
	cfg.MaxHeaderBytes = 8 << 10
	conn := start(t, cfg).dial(loopback)
	conn.send("GET / HTTP/1.1\r\nHost: a.test\r\nX-Large: " + strings.Repeat("x", 20<<10) + "\r\n\r\n")
	if response, _ := conn.answer(); response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status = %d, want 431", response.StatusCode)
	}
}

func TestAmbiguousLengthIsRefused(t *testing.T) {
	server := start(t, plain(respond("x")))
	for _, header := range []string{
		"Content-Length: 3\r\nContent-Length: 4",
		"Content-Length: +3",
		"Transfer-Encoding: chunked, identity",
		"Transfer-Encoding: xchunked",
	} {
		conn := server.dial(loopback)
		conn.send("POST / HTTP/1.1\r\nHost: a.test\r\n" + header + "\r\n\r\nabcd")
		if response, _ := conn.answer(); response.StatusCode < 400 {
			t.Errorf("%q = %d, want a refusal", header, response.StatusCode)
		}
	}
}

func TestHTTP2AndHTTP1AreNegotiated(t *testing.T) {
	server := start(t, secure(respond("x")))
	for _, c := range []struct{ offer, want string }{{"h2", "HTTP/2.0"}, {"http/1.1", "HTTP/1.1"}} {
		client := server.client(loopback)
		transport := client.Transport.(*http.Transport)
		transport.TLSClientConfig.NextProtos = []string{c.offer}
		transport.ForceAttemptHTTP2 = c.offer == "h2"
		if response, _ := get(t, client, "https://a.test/"); response.Proto != c.want {
			t.Errorf("offering %s: %s, want %s", c.offer, response.Proto, c.want)
		}
	}
}

func TestPlainListenerSpeaksNoHTTP2(t *testing.T) {
	conn := start(t, plain(respond("x"))).dial(loopback)
	conn.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	if response, _ := conn.answer(); response.StatusCode < 400 {
		t.Errorf("HTTP/2 preface = %d, want a refusal", response.StatusCode)
	}
}

func TestHTTPOnAnHTTPSPortIsExplained(t *testing.T) {
	conn := start(t, secure(respond("x"))).dial(loopback)
	conn.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
	response, got := conn.answer()
	if response.StatusCode != 400 || got != "This port speaks https, and you sent an http request.\n" {
		t.Errorf("answer = %d %q", response.StatusCode, got)
	}
}

func TestFloodOfBadHandshakesDoesNotFloodTheLog(t *testing.T) {
	var output lockedBuffer
	server := startLogging(t, secure(respond("x")), &output)
	for range 500 {
		conn, err := net.Dial("tcp", server.addr(loopback))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write([]byte("nonsense\r\n"))
		_, _ = io.Copy(io.Discard, conn)
		_ = conn.Close()
	}
	server.stop()
	if lines := strings.Count(output.String(), "\n"); lines == 0 || lines > 100 {
		t.Errorf("500 bad handshakes made %d lines of log", lines)
	}
	if strings.Contains(output.String(), "level=WARN") || strings.Contains(output.String(), "level=ERROR") {
		t.Errorf("a bad handshake is more than debug:\n%s", output.String())
	}
}

// lockedBuffer is a log output that a test may read at any time.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
