package upstream_test

import (
	"bufio"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dwaar/proxy/upstream"
)

// front serves the handler for cfg, and returns its address.
func front(t *testing.T, cfg upstream.Config) *httptest.Server {
	t.Helper()
	return frontOf(t, cfg, func(h http.Handler) http.Handler { return h })
}

func frontOf(t *testing.T, cfg upstream.Config, wrap func(http.Handler) http.Handler) *httptest.Server {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	lease := upstream.NewPools().Lease()
	h, err := upstream.New(cfg, upstream.Edits{}, lease, log, plain)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(wrap(h))
	server.Config.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	server.Start()
	t.Cleanup(func() {
		server.Close()
		lease.Release()
	})
	return server
}

func to(upstreams ...string) upstream.Config { return upstream.Config{Upstreams: upstreams} }

// backend is an upstream; its address is the result.
func backend(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = slog.NewLogLogger(slog.NewTextHandler(t.Output(), nil), slog.LevelInfo)
	server.Start()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// scripted is an upstream that is written by hand.
func scripted(t *testing.T, serve func(net.Conn, *bufio.Reader)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn, bufio.NewReader(conn))
			}()
		}
	}()
	return listener.Addr().String()
}

func dial(t *testing.T, server *httptest.Server) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	t.Cleanup(func() { _ = conn.Close() })
	return conn, bufio.NewReader(conn)
}

func send(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, r *bufio.Reader) *http.Response {
	t.Helper()
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

func text(t *testing.T, body io.ReadCloser) string {
	t.Helper()
	defer body.Close()
	b, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	return response, text(t, response.Body)
}

func TestForwardedFieldsAreDwaarsOwn(t *testing.T) {
	seen := make(chan *http.Request, 1)
	server := front(t, to(backend(t, func(_ http.ResponseWriter, r *http.Request) { seen <- r })))
	conn, r := dial(t, server)
	send(t, conn, "GET / HTTP/1.1\r\nHost: client.test:99\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: gopher\r\n"+
		"X-Forwarded-Host: evil.test\r\nForwarded: for=6.6.6.6\r\n"+
		"Connection: X-Secret, close\r\nConnection: x-other\r\nX-Secret: 1\r\nX-Other: 1\r\nKeep-Alive: 1\r\n"+
		"Proxy-Authorization: Basic eDp5\r\nProxy-Connection: x\r\nTE: trailers, deflate\r\nX-Kept: 1\r\n\r\n")
	read(t, r)
	got := <-seen
	if got.Host != "client.test:99" {
		t.Errorf("Host = %q, want the client's", got.Host)
	}
	for field, want := range map[string]string{
		"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "client.test:99",
		"Forwarded": "", "X-Secret": "", "X-Other": "", "Keep-Alive": "", "Proxy-Authorization": "",
		"Proxy-Connection": "", "Te": "trailers", "X-Kept": "1", "User-Agent": "", "Accept-Encoding": "",
	} {
		if strings.Join(got.Header[field], "|") != want {
			t.Errorf("%s = %q, want %q", field, got.Header[field], want)
		}
	}
}

func TestHopByHopFieldsOfTheResponseStayBehind(t *testing.T) {
	address := scripted(t, func(conn net.Conn, r *bufio.Reader) {
		_, _ = http.ReadRequest(r)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nConnection: X-Hop, keep-alive\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nX-Kept: 1\r\nContent-Length: 2\r\n\r\nok")
	})
	response, body := get(t, front(t, to(address)).URL)
	if response.Header.Get("X-Hop") != "" || response.Header.Get("Keep-Alive") != "" || response.Header.Get("X-Kept") != "1" || body != "ok" {
		t.Errorf("response = %v %q", response.Header, body)
	}
}

func TestTargetIsPassedOnAsWritten(t *testing.T) {
	seen := make(chan string, 1)
	server := front(t, to(backend(t, func(_ http.ResponseWriter, r *http.Request) { seen <- r.RequestURI })))
	for target, want := range map[string]string{
		"/a%2Fb/../c//d?x=1;y=2&z=%zz&&b=2&a=1": "",
		"/?":                                    "",
		"/path%20x?q=a+b%20c":                   "",
		"http://other.test/abs?q=1":             "/abs?q=1",
		"http://other.test":                     "/",
		"//double/slash":                        "",
		"/utf8/%C3%A9":                          "",
		"/plain?http://other.test/?a=b":         "",
	} {
		conn, r := dial(t, server)
		send(t, conn, "GET "+target+" HTTP/1.1\r\nHost: a.test\r\n\r\n")
		read(t, r)
		if want == "" {
			want = target
		}
		if got := <-seen; got != want {
			t.Errorf("%s arrives as %s, want %s", target, got, want)
		}
	}
}

func TestBodiesStreamInBothDirectionsAtOnce(t *testing.T) {
	server := front(t, to(backend(t, func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		_ = rc.EnableFullDuplex()
		_ = rc.Flush()
		lines := bufio.NewScanner(r.Body)
		for lines.Scan() {
			fmt.Fprintln(w, "got", lines.Text())
			_ = rc.Flush()
		}
	})))
	conn, r := dial(t, server)
	send(t, conn, "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n")
	response := read(t, r)
	lines := bufio.NewScanner(response.Body)
	for _, word := range []string{"one", "two"} {
		send(t, conn, "4\r\n"+word+"\n\r\n")
		if !lines.Scan() || lines.Text() != "got "+word {
			t.Fatalf("line = %q, %v", lines.Text(), lines.Err())
		}
	}
	send(t, conn, "0\r\n\r\n")
	if lines.Scan() || lines.Err() != nil {
		t.Errorf("end = %q, %v", lines.Text(), lines.Err())
	}
}

func TestWhatHasNoLengthIsFlushedAsItComes(t *testing.T) {
	for name, header := range map[string]http.Header{
		"events":              {"Content-Type": {"text/event-stream; charset=utf-8"}},
		"unknown length":      {"Content-Type": {"application/x-ndjson"}},
		"events with a known": {"Content-Type": {"text/event-stream"}, "Content-Length": {"14"}},
	} {
		next := make(chan struct{})
		server := front(t, to(backend(t, func(w http.ResponseWriter, r *http.Request) {
			for field, values := range header {
				w.Header()[field] = values
			}
			_ = http.NewResponseController(w).Flush()
			for range 2 {
				select {
				case <-next:
				case <-r.Context().Done():
					return
				}
				_, _ = io.WriteString(w, "data: x")
				_ = http.NewResponseController(w).Flush()
			}
		})))
		response, err := http.Get(server.URL) // the header alone
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			next <- struct{}{}
			got := make([]byte, 7)
			if _, err := io.ReadFull(response.Body, got); err != nil || string(got) != "data: x" {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
		_ = response.Body.Close()
	}
}

// An https upstream is spoken to by net/http, which would go on for ever.
func TestInterimResponsesHaveAnEnd(t *testing.T) {
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range 2000 {
			w.WriteHeader(http.StatusEarlyHints)
		}
	}))
	t.Cleanup(secure.Close)
	cfg := to(secure.URL)
	cfg.TLS = &upstream.TLS{Insecure: true}
	client := &http.Transport{DisableKeepAlives: true}
	trace := &httptrace.ClientTrace{Got1xxResponse: func(int, textproto.MIMEHeader) error { return nil }}
	r, _ := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), http.MethodGet, front(t, cfg).URL, nil)
	response, err := client.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusBadGateway {
		t.Error(response.Status)
	}
}

func TestTrailersPassInBothDirections(t *testing.T) {
	server := front(t, to(backend(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Announced")
		_, _ = io.Copy(w, r.Body)
		w.Header().Set("X-Announced", r.Trailer.Get("X-Sum"))
		w.Header().Set(http.TrailerPrefix+"X-Surprise", "2")
	})))
	conn, r := dial(t, server)
	send(t, conn, "POST / HTTP/1.1\r\nHost: a.test\r\nTE: trailers\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n"+
		"3\r\nabc\r\n0\r\nX-Sum: 42\r\n\r\n")
	response := read(t, r)
	if got := text(t, response.Body); got != "abc" {
		t.Errorf("body = %q", got)
	}
	if response.Trailer.Get("X-Announced") != "42" || response.Trailer.Get("X-Surprise") != "2" {
		t.Errorf("trailers = %v", response.Trailer)
	}
}

func TestInterimResponsesPass(t *testing.T) {
	server := front(t, to(backend(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		w.Header().Set("X-Final", "1")
		_, _ = io.Copy(w, r.Body)
	})))
	var hints, continues int
	trace := &httptrace.ClientTrace{
		Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			if code == http.StatusEarlyHints && h.Get("Link") != "" {
				hints++
			}
			return nil
		},
		Got100Continue: func() { continues++ },
	}
	ctx := httptrace.WithClientTrace(t.Context(), trace)
	r, _ := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, strings.NewReader("body"))
	r.Header.Set("Expect", "100-continue")
	response, err := (&http.Transport{ExpectContinueTimeout: 5 * time.Second, DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	if got := text(t, response.Body); got != "body" || hints != 1 || continues != 1 ||
		response.Header.Get("Link") != "" || response.Header.Get("X-Final") != "1" {
		t.Errorf("body %q, %d early hints, %d continues, header %v", got, hints, continues, response.Header)
	}
}

func TestRefusedExpectationNeverAsksForTheBody(t *testing.T) {
	server := front(t, to(scripted(t, func(conn net.Conn, r *bufio.Reader) {
		_, _ = http.ReadRequest(r)
		_, _ = io.WriteString(conn, "HTTP/1.1 413 Request Entity Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig")
	})))
	conn, r := dial(t, server)
	send(t, conn, "POST / HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n")
	response := read(t, r)
	if got := text(t, response.Body); response.StatusCode != 413 || got != "big" || !response.Close {
		t.Errorf("response = %d %q, close %v", response.StatusCode, got, response.Close)
	}
}

// A client may announce one field and send others.
func TestFieldsThatMayNotTrailAreNotForwarded(t *testing.T) {
	seen := make(chan http.Header, 1)
	secure := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		seen <- r.Trailer
	}))
	t.Cleanup(secure.Close)
	cfg := to(secure.URL)
	cfg.TLS = &upstream.TLS{Insecure: true}
	conn, r := dial(t, front(t, cfg))
	send(t, conn, "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, Authorization\r\n\r\n"+
		"0\r\nX-Sum: 1\r\nAuthorization: x\r\nContent-Length: 5\r\nHost: b.test\r\n\r\n")
	read(t, r)
	if trailer := <-seen; len(trailer) != 1 || trailer.Get("X-Sum") != "1" {
		t.Errorf("the upstream sees %v", trailer)
	}
}

func TestEarlyFailureDoesNotWaitForTheBody(t *testing.T) {
	server := front(t, to(scripted(t, func(_ net.Conn, r *bufio.Reader) { _, _ = http.ReadRequest(r) })))
	conn, r := dial(t, server)
	send(t, conn, "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100\r\n\r\nbegin")
	if response := read(t, r); response.StatusCode != http.StatusBadGateway || !response.Close {
		t.Errorf("%s, close %v", response.Status, response.Close)
	}
}

func TestEarlyResponseDoesNotWaitForTheBody(t *testing.T) {
	for name, head := range map[string]string{
		"known length": "Content-Length: 1000000\r\n\r\nabc",
		"chunked":      "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
	} {
		server := front(t, to(scripted(t, func(conn net.Conn, r *bufio.Reader) {
			_, _ = http.ReadRequest(r)
			_, _ = io.WriteString(conn, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
			_, _ = io.Copy(io.Discard, r)
		})))
		conn, r := dial(t, server)
		send(t, conn, "POST / HTTP/1.1\r\nHost: a.test\r\n"+head)
		response := read(t, r)
		if got := text(t, response.Body); response.StatusCode != 403 || got != "no" || !response.Close {
			t.Errorf("%s: %d %q, close %v", name, response.StatusCode, got, response.Close)
		}
	}
}

func TestUnreachableUpstreamIs502(t *testing.T) {
	response, body := get(t, front(t, to(unusedAddress(t))).URL)
	if response.StatusCode != http.StatusBadGateway || body != "Bad Gateway\n" {
		t.Errorf("response = %d %q, want 502", response.StatusCode, body)
	}
}

func TestUpstreamThatSpeaksNonsenseOrHangsUpIs502(t *testing.T) {
	for name, answer := range map[string]string{"nonsense": "220 smtp ready\r\n", "nothing": ""} {
		server := front(t, to(scripted(t, func(conn net.Conn, r *bufio.Reader) {
			_, _ = http.ReadRequest(r)
			_, _ = io.WriteString(conn, answer)
		})))
		if response, _ := get(t, server.URL); response.StatusCode != http.StatusBadGateway {
			t.Errorf("%s = %d, want 502", name, response.StatusCode)
		}
	}
}

func TestSlowUpstreamIs504(t *testing.T) {
	cfg := to(backend(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	cfg.ResponseHeaderTimeout = 50 * time.Millisecond
	if response, _ := get(t, front(t, cfg).URL); response.StatusCode != http.StatusGatewayTimeout {
		t.Errorf("status = %d, want 504", response.StatusCode)
	}
}

func TestClientThatLeavesEndsTheUpstreamsRequest(t *testing.T) {
	entered, left := make(chan struct{}), make(chan struct{})
	server := front(t, to(backend(t, func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
		close(left)
	})))
	conn, _ := dial(t, server)
	send(t, conn, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
	<-entered
	_ = conn.Close()
	select {
	case <-left:
	case <-time.After(10 * time.Second):
		t.Error("the upstream's request goes on")
	}
}

func TestUpstreamThatDiesInABodyBreaksTheResponse(t *testing.T) {
	server := front(t, to(scripted(t, func(conn net.Conn, r *bufio.Reader) {
		_, _ = http.ReadRequest(r)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
	})))
	response, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if got, err := io.ReadAll(response.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("body = %q, %v, want an unexpected end", got, err)
	}
}

func TestBrokenRequestBodyIs400(t *testing.T) {
	server := front(t, to(backend(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })))
	conn, r := dial(t, server)
	send(t, conn, "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n")
	if response := read(t, r); response.StatusCode != http.StatusBadRequest || !response.Close {
		t.Errorf("status = %d, close %v, want 400 and the end", response.StatusCode, response.Close)
	}
}

func TestBodyThatIsTooLargeIs413(t *testing.T) {
	cfg := to(backend(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	server := frontOf(t, cfg, func(h http.Handler) http.Handler { return http.MaxBytesHandler(h, 5) })
	response, err := http.Post(server.URL, "text/plain", strings.NewReader("123456"))
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("status = %d, want 413", response.StatusCode)
	}
}

func TestUpstreamsTakeTurns(t *testing.T) {
	named := func(name string) string {
		return backend(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) })
	}
	server := front(t, to(named("a"), named("b"), named("c")))
	var got strings.Builder
	for range 6 {
		_, body := get(t, server.URL)
		got.WriteString(body)
	}
	if got.String() != "abcabc" {
		t.Errorf("order = %s, want abcabc", got.String())
	}
}

func TestUnreachableUpstreamIsPassedOverWithTheBodyUntouched(t *testing.T) {
	alive := backend(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	notTLS := "https://" + scripted(t, func(conn net.Conn, _ *bufio.Reader) { _, _ = io.WriteString(conn, "220 hello, I am no TLS server\r\n") })
	untrusted := httptest.NewTLSServer(nil)
	t.Cleanup(untrusted.Close)
	untrusted.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	server := front(t, to(unusedAddress(t), notTLS, untrusted.URL, alive))
	for range 8 {
		response, err := http.Post(server.URL, "text/plain", strings.NewReader("the body"))
		if err != nil {
			t.Fatal(err)
		}
		if got := text(t, response.Body); got != "the body" || response.StatusCode != 200 {
			t.Errorf("answer = %d %q", response.StatusCode, got)
		}
	}
}

func TestHTTPSUpstreamIsVerified(t *testing.T) {
	secure := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Proto+" "+r.Host+" for "+r.Header.Get("X-Forwarded-Host"))
	}))
	secure.EnableHTTP2 = true
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	roots := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		tls    *upstream.TLS
		status int
	}{
		{"system roots", nil, 502},
		{"its root", &upstream.TLS{Roots: []string{roots}}, 200},
		{"its root and name", &upstream.TLS{Roots: []string{roots}, ServerName: "example.com"}, 200},
		{"another name", &upstream.TLS{Roots: []string{roots}, ServerName: "other.test"}, 502},
	} {
		cfg := to(secure.URL)
		cfg.TLS = c.tls
		server := front(t, cfg)
		response, body := get(t, server.URL)
		if response.StatusCode != c.status {
			t.Errorf("%s = %d, want %d", c.name, response.StatusCode, c.status)
		}
		if want := "HTTP/2.0 " + secure.Listener.Addr().String() + " for " + server.Listener.Addr().String(); c.status == 200 && body != want {
			t.Errorf("%s: upstream saw %q, want %q", c.name, body, want)
		}
	}
}

func TestTheHostOfAnHTTPSUpstreamIsItsOwn(t *testing.T) {
	for dial, want := range map[string]string{
		"https://backend.test":      "backend.test",
		"https://backend.test:8443": "backend.test:8443",
		"https://[::1]:443":         "[::1]",
		"http://backend.test":       "",
		"unix//run/app.sock":        "",
	} {
		address, err := upstream.ParseAddress(dial)
		if err != nil {
			t.Fatal(err)
		}
		if got := address.OwnHost(); got != want {
			t.Errorf("%s: %q, want %q", dial, got, want)
		}
	}
}

func TestWebSocketReachesAnHTTPSUpstreamThatOffersHTTP2(t *testing.T) {
	secure := httptest.NewUnstartedServer(http.HandlerFunc(upgrade))
	secure.EnableHTTP2 = true
	secure.StartTLS()
	t.Cleanup(secure.Close)
	roots := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := to(secure.URL)
	cfg.TLS = &upstream.TLS{Roots: []string{roots}}
	echoes(t, front(t, cfg), "websocket")
}

func TestUpgradedConnectionCarriesBytes(t *testing.T) {
	server := front(t, to(backend(t, upgrade)))
	echoes(t, server, "websocket")
	echoes(t, server, "something-else")
}

// upgrade echoes on an upgraded connection.
func upgrade(w http.ResponseWriter, r *http.Request) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+r.Header.Get("Upgrade")+"\r\n\r\n")
	_, _ = io.Copy(conn, rw)
}

func echoes(t *testing.T, server *httptest.Server, protocol string) {
	t.Helper()
	conn, r := dial(t, server)
	send(t, conn, "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: "+protocol+"\r\n\r\n")
	if response := read(t, r); response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%s: %s", protocol, response.Status)
	}
	send(t, conn, "ping")
	got := make([]byte, 4)
	if _, err := io.ReadFull(r, got); err != nil || string(got) != "ping" {
		t.Errorf("%s: echo %q, %v", protocol, got, err)
	}
}

func TestUpgradeToH2CIsNotForwarded(t *testing.T) {
	seen := make(chan http.Header, 1)
	server := front(t, to(backend(t, func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header })))
	conn, r := dial(t, server)
	send(t, conn, "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n")
	read(t, r)
	if got := <-seen; got.Get("Upgrade") != "" || got.Get("Connection") != "" || got.Get("Http2-Settings") != "" {
		t.Errorf("upstream sees %v", got)
	}
}

// The protocol changes after the whole request (RFC 9110 §7.8). Until then the
// connection belongs to the body, and there may be no second reader.
func TestRequestWithABodyIsNoUpgrade(t *testing.T) {
	seen := make(chan http.Header, 1)
	server := front(t, to(scripted(t, func(conn net.Conn, r *bufio.Reader) {
		request, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		seen <- request.Header
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_, _ = io.Copy(io.Discard, r)
	})))
	conn, r := dial(t, server)
	send(t, conn, "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 100\r\n\r\nbegin")
	if got := <-seen; got.Get("Upgrade") != "" || got.Get("Connection") != "" {
		t.Errorf("upstream sees %v", got)
	}
	if response := read(t, r); response.StatusCode != http.StatusBadGateway {
		t.Error(response.Status)
	}
}

func TestUnixSocketUpstream(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "over unix") })}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	if _, body := get(t, front(t, to("unix/"+path)).URL); body != "over unix" {
		t.Errorf("body = %q", body)
	}
}

func TestProxyOfTheEnvironmentIsIgnored(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://"+unusedAddress(t))
	t.Setenv("http_proxy", "http://"+unusedAddress(t))
	server := front(t, to(backend(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "direct") })))
	client := &http.Client{Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}}
	response, err := client.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if got := text(t, response.Body); got != "direct" {
		t.Errorf("body = %q", got)
	}
}

func TestCompressedBodyIsPassedOnAsItIs(t *testing.T) {
	server := front(t, to(backend(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = io.WriteString(w, "not really gzip, "+r.Header.Get("Accept-Encoding"))
	})))
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	r.Header.Set("Accept-Encoding", "br, gzip")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if got := text(t, response.Body); got != "not really gzip, br, gzip" || response.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("body = %q, header %v", got, response.Header)
	}
}

func TestLargeBodyArrivesWhole(t *testing.T) {
	server := front(t, to(backend(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })))
	large := strings.Repeat("0123456789abcdef", 1<<18)
	response, err := http.Post(server.URL, "text/plain", strings.NewReader(large))
	if err != nil {
		t.Fatal(err)
	}
	if got := text(t, response.Body); got != large {
		t.Errorf("%d bytes came back of %d", len(got), len(large))
	}
}

func unusedAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// plain is how a site without handle_errors answers what fails.
func plain(w http.ResponseWriter, _ *http.Request, status int, _ error) {
	http.Error(w, http.StatusText(status), status)
}
