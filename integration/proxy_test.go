package integration

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"dwaar/integration/internal/wait"
)

// proxied starts a house with one site in front of an upstream.
func proxied(t *testing.T, upstream http.HandlerFunc, directives string) *house {
	t.Helper()
	h := newHouse(t)
	files := h.leaf("proxy.test").Write(t, h.Dir, "proxy")
	url := strings.TrimPrefix(serve(t, upstream), "http://")
	h.siteText(fmt.Sprintf("proxy.test {\n\ttls %s %s\n\t%s\n\treverse_proxy %s\n}\n", files.Cert, files.Key, directives, url))
	h.start("", "")
	return h
}

// http is answered by a redirect to https that keeps host, port, path and query.
func TestHTTPIsRedirectedToHTTPS(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.site(h.leaf("redirect.test"), "")
	h.siteText("http://plain.test {\n\trespond plain\n}\n")
	h.start("", "")
	httpAddr := fmt.Sprintf("127.0.0.1:%d", h.HTTP)
	c := h.client(func(tr *http.Transport) {
		tr.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp4", httpAddr)
		}
	})
	resp := must(t)(c.Get(fmt.Sprintf("http://redirect.test:%d/a%%20b/c?x=1&y=%%2F", h.HTTP))).(*http.Response)
	_ = resp.Body.Close()
	want := fmt.Sprintf("https://redirect.test:%d/a%%20b/c?x=1&y=%%2F", h.HTTPS)
	if got := resp.Header.Get("Location"); resp.StatusCode != http.StatusPermanentRedirect || got != want {
		t.Errorf("redirect: %s to %q, want 308 to %q", resp.Status, got, want)
	}
	if body, err := get(c, fmt.Sprintf("http://plain.test:%d/", h.HTTP)); err != nil || body != "plain" {
		t.Errorf("http:// site: %q, %v", body, err)
	}
}

// auto_https disable_redirects leaves the http port alone.
func TestDisabledRedirects(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.site(h.leaf("quiet.test"), "")
	h.start("auto_https disable_redirects", "")
	if c, err := net.DialTimeout("tcp4", fmt.Sprintf("127.0.0.1:%d", h.HTTP), time.Second); err == nil {
		_ = c.Close()
		t.Error("auto_https disable_redirects: the http port is open")
	}
}

// An untrusted client's X-Forwarded headers and hop-by-hop headers, also those that
// Connection names, do not reach the upstream.
func TestForwardedAndHopByHopHeaders(t *testing.T) {
	t.Parallel()
	seen := make(chan http.Header, 1)
	h := proxied(t, func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header.Clone() }, "")
	req := must(t)(http.NewRequestWithContext(t.Context(), "GET", "https://proxy.test/", nil)).(*http.Request)
	req.Header.Set("X-Forwarded-For", "6.6.6.6")
	req.Header.Set("X-Forwarded-Proto", "gopher")
	req.Header.Set("X-Forwarded-Host", "evil.test")
	req.Header.Set("Connection", "X-Secret")
	req.Header.Set("X-Secret", "1")
	req.Header.Set("Proxy-Authorization", "Basic eDp5")
	resp := must(t)(h.client(func(tr *http.Transport) { tr.ForceAttemptHTTP2 = false }).Do(req)).(*http.Response)
	_ = resp.Body.Close()
	got := <-seen
	for name, want := range map[string]string{
		"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "proxy.test",
		"X-Secret": "", "Proxy-Authorization": "",
	} {
		if got.Get(name) != want {
			t.Errorf("upstream sees %s: %q, want %q", name, got.Get(name), want)
		}
	}
}

// A server-sent event is passed on when it happens, not when the response ends.
func TestServerSentEventsAreNotHeldBack(t *testing.T) {
	t.Parallel()
	next := make(chan struct{})
	h := proxied(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			_ = http.NewResponseController(w).Flush()
			select {
			case <-next:
			case <-r.Context().Done():
				return
			}
		}
	}, "")
	resp := must(t)(h.client(nil).Get("https://proxy.test/")).(*http.Response)
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for i := range 3 {
		if !lines.Scan() || lines.Text() != fmt.Sprintf("data: %d", i) {
			t.Fatalf("event %d: %q, %v", i, lines.Text(), lines.Err())
		}
		lines.Scan() // the empty line
		next <- struct{}{}
	}
}

// Trailers arrive.
func TestTrailersArrive(t *testing.T) {
	t.Parallel()
	h := proxied(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		_, _ = io.WriteString(w, "body")
		_ = http.NewResponseController(w).Flush()
		w.Header().Set("X-Sum", "42")
	}, "")
	resp := must(t)(h.client(nil).Get("https://proxy.test/")).(*http.Response)
	defer resp.Body.Close()
	_ = must(t)(io.ReadAll(resp.Body))
	if got := resp.Trailer.Get("X-Sum"); got != "42" {
		t.Errorf("trailer X-Sum = %q, want 42", got)
	}
}

// An upgraded connection carries bytes both ways.
func TestUpgradedConnectionsCarryBytesBothWays(t *testing.T) {
	t.Parallel()
	h := proxied(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "echo" {
			http.Error(w, "no upgrade", http.StatusBadRequest)
			return
		}
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_, _ = io.Copy(conn, rw)
	}, "")
	req := must(t)(http.NewRequestWithContext(t.Context(), "GET", "https://proxy.test/", nil)).(*http.Request)
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "echo")
	transport := h.client(func(tr *http.Transport) {
		tr.ForceAttemptHTTP2 = false
		tr.TLSClientConfig.NextProtos = []string{"http/1.1"}
	}).Transport // without the client's timeout, which hides that the body can be written to
	resp := must(t)(transport.RoundTrip(req)).(*http.Response)
	defer resp.Body.Close()
	conn, ok := resp.Body.(io.ReadWriteCloser)
	if resp.StatusCode != http.StatusSwitchingProtocols || !ok {
		t.Fatalf("upgrade: %s", resp.Status)
	}
	for _, word := range []string{"hello", "again"} {
		_ = must(t)(io.WriteString(conn, word))
		got := make([]byte, len(word))
		if _, err := io.ReadFull(conn, got); err != nil || string(got) != word {
			t.Fatalf("echo of %q: %q, %v", word, got, err)
		}
	}
}

// A dead upstream is 502, and another one is taken if there is one.
func TestDeadUpstream(t *testing.T) {
	t.Parallel()
	dead := fmt.Sprintf("127.0.0.1:%d", wait.Port(t))
	alive := strings.TrimPrefix(serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "alive")
	}), "http://")
	h := newHouse(t)
	for name, upstreams := range map[string]string{"dead.test": dead, "both.test": dead + " " + alive} {
		files := h.leaf(name).Write(t, h.Dir, name)
		h.siteText(fmt.Sprintf("%s {\n\ttls %s %s\n\treverse_proxy %s\n}\n", name, files.Cert, files.Key, upstreams))
	}
	h.start("", "")
	resp := must(t)(h.client(nil).Get("https://dead.test/")).(*http.Response)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusBadGateway {
		t.Errorf("dead upstream: %s, want 502", resp.Status)
	}
	for range 10 {
		if body, err := get(h.client(nil), "https://both.test/"); err != nil || body != "alive" {
			t.Errorf("one of two upstreams is dead: %q, %v", body, err)
		}
	}
}
