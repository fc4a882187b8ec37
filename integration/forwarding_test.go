package integration

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"dwaar/integration/internal/nginx"
)

// A real nginx behind dwaar, over HTTP/1.1 and HTTP/2: kept connections, chunks, HEAD, ranges,
// what was not modified, and large bodies up and down.
func TestNginxUpstream(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	up := nginx.Start(t, `
		client_max_body_size 64m;
		gzip on; gzip_min_length 1; gzip_types text/plain;
		location /file { default_type text/plain; add_header ETag '"v1"'; add_header Cache-Control no-cache; return 200 "0123456789"; }
		location /connections { return 200 "$connection $connection_requests"; }
		location /dav/ { root .; dav_methods PUT DELETE; create_full_put_path on; }`)
	files := h.leaf("nginx.test").Write(t, h.Dir, "nginx")
	h.siteText(fmt.Sprintf("nginx.test {\n\ttls %s %s\n\treverse_proxy %s\n}\n", files.Cert, files.Key, up.Addr))
	h.start("", "")
	for name, config := range map[string]func(*http.Transport){
		"HTTP/1.1": func(tr *http.Transport) {
			tr.ForceAttemptHTTP2, tr.TLSClientConfig.NextProtos = false, []string{"http/1.1"}
		},
		"HTTP/2.0": nil,
	} {
		t.Run(name, func(t *testing.T) {
			c := h.client(config)
			c.Transport.(*http.Transport).DisableCompression = true
			n := nginxClient{t, c, name, strings.ReplaceAll(name, "/", "")}
			n.keepsItsConnection()
			n.asks()
			n.moves()
		})
	}
}

type nginxClient struct {
	*testing.T
	client *http.Client
	proto  string
	file   string
}

// do is one request, and its response read to the end.
func (n nginxClient) do(method, path string, body io.Reader, header ...string) (*http.Response, []byte) {
	n.Helper()
	r := must(n.T)(http.NewRequestWithContext(n.Context(), method, "https://nginx.test"+path, body)).(*http.Request)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp := must(n.T)(n.client.Do(r)).(*http.Response)
	defer resp.Body.Close()
	if resp.Proto != n.proto {
		n.Errorf("%s, want %s", resp.Proto, n.proto)
	}
	return resp, must(n.T)(io.ReadAll(resp.Body)).([]byte)
}

// keepsItsConnection proves that requests share one, the one with a body too.
func (n nginxClient) keepsItsConnection() {
	n.Helper()
	_, first := n.do("GET", "/connections", nil)
	n.do("POST", "/connections", strings.NewReader("body"))
	_, last := n.do("GET", "/connections", nil)
	a, b := strings.Fields(string(first)), strings.Fields(string(last))
	if a[0] != b[0] {
		n.Errorf("connection %s, then %s", first, last)
	}
}

func (n nginxClient) asks() {
	n.Helper()
	if resp, body := n.do("GET", "/file", nil); resp.ContentLength != 10 || string(body) != "0123456789" || resp.Header.Get("Etag") != `"v1"` {
		n.Errorf("GET: %d %q %v", resp.ContentLength, body, resp.Header)
	}
	if resp, body := n.do("HEAD", "/file", nil); resp.ContentLength != 10 || len(body) != 0 {
		n.Errorf("HEAD: %d %q", resp.ContentLength, body)
	}
	if resp, body := n.do("GET", "/file", nil, "Accept-Encoding", "gzip"); resp.Header.Get("Content-Encoding") != "gzip" || len(body) == 0 {
		n.Errorf("chunks: %v", resp.Header)
	}
}

// moves sends a large body, with a length and without, and gets it back, whole and in parts.
func (n nginxClient) moves() {
	n.Helper()
	large := bytes.Repeat([]byte("0123456789abcdef"), 1<<20) // 16 MiB
	for i, body := range []io.Reader{bytes.NewReader(large), io.MultiReader(bytes.NewReader(large))} {
		path := fmt.Sprintf("/dav/%s-%d", n.file, i)
		if resp, _ := n.do("PUT", path, body, "Expect", "100-continue"); resp.StatusCode != http.StatusCreated {
			n.Fatalf("PUT: %s", resp.Status)
		}
		resp, got := n.do("GET", path, nil)
		if !bytes.Equal(got, large) {
			n.Errorf("%d of %d bytes came back", len(got), len(large))
		}
		if resp, got := n.do("GET", path, nil, "Range", "bytes=16-31"); resp.StatusCode != http.StatusPartialContent || string(got) != "0123456789abcdef" {
			n.Errorf("a range: %s %q", resp.Status, got)
		}
		if resp, got := n.do("GET", path, nil, "If-None-Match", resp.Header.Get("Etag")); resp.StatusCode != http.StatusNotModified || len(got) != 0 {
			n.Errorf("not modified: %s %q", resp.Status, got)
		}
		if resp, _ := n.do("DELETE", path, nil); resp.StatusCode != http.StatusNoContent {
			n.Errorf("DELETE: %s", resp.Status)
		}
	}
}

// A WebSocket is idle over a reload, longer than every timeout that the server has for
// requests and idle connections, and goes on.
func TestUpgradedConnectionOutlivesReloadsAndTimeouts(t *testing.T) {
	t.Parallel()
	up := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_, _ = io.Copy(conn, rw)
	})
	h := newHouse(t)
	files := h.leaf("socket.test").Write(t, h.Dir, "socket")
	site := func(more string) string {
		return h.Options("servers {\n\t\ttimeouts {\n\t\t\tread_header 300ms\n\t\t\tread_body 300ms\n\t\t\twrite 300ms\n\t\t\tidle 300ms\n\t\t}\n\t}", "") +
			fmt.Sprintf("socket.test {\n\ttls %s %s\n\treverse_proxy %s%s\n}\n", files.Cert, files.Key, strings.TrimPrefix(up, "http://"), more)
	}
	h.Configure(site(""))
	h.Start()
	conn := must(t)(tls.Dial("tcp", h.Addr(), &tls.Config{RootCAs: h.CA.Pool(), ServerName: "socket.test", NextProtos: []string{"http/1.1"}})).(*tls.Conn)
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	_ = must(t)(io.WriteString(conn, "GET / HTTP/1.1\r\nHost: socket.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"))
	head := make([]byte, 12)
	if _, err := io.ReadFull(conn, head); err != nil || string(head) != "HTTP/1.1 101" {
		t.Fatalf("%q, %v", head, err)
	}
	echo := func(when, word string) {
		t.Helper()
		_ = must(t)(io.WriteString(conn, word))
		var got []byte
		for !bytes.HasSuffix(got, []byte(word)) { // behind the rest of the header
			one := make([]byte, 1)
			if _, err := io.ReadFull(conn, one); err != nil {
				t.Fatalf("%s: %q, %v", when, got, err)
			}
			got = append(got, one...)
		}
	}
	echo("at once", "hello")
	time.Sleep(time.Second)
	echo("after the timeouts", "again")
	h.Configure(site(" {\n\t\theader_up X-New yes\n\t}"))
	h.Must("reload", "--config", h.Config())
	time.Sleep(1500 * time.Millisecond) // the old configuration has been given back by now
	echo("after a reload", "still")
}
