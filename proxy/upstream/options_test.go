package upstream_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dwaar/proxy/request"
	"dwaar/proxy/upstream"
)

func TestTrustedProxyIsExtendedNotReplaced(t *testing.T) {
	seen := make(chan http.Header, 1)
	address := backend(t, func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header })
	byServer := func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h.ServeHTTP(w, request.With(r, &request.State{TrustedPeer: true}))
		})
	}
	itself := func(h http.Handler) http.Handler { return h }
	for _, c := range []struct {
		name    string
		network string
		wrap    func(http.Handler) http.Handler
		trusted bool
	}{
		{"nobody", "", itself, false},
		{"another", "10.0.0.0/8", itself, false},
		{"by the directive", "127.0.0.0/8", itself, true},
		{"by the server", "", byServer, true},
	} {
		cfg := to(address)
		if c.network != "" {
			cfg.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(c.network)}
		}
		conn, r := dial(t, frontOf(t, cfg, c.wrap))
		send(t, conn, "GET / HTTP/1.1\r\nHost: inner.test\r\nX-Forwarded-For: 192.0.2.1, 192.0.2.2\r\nX-Forwarded-For: 192.0.2.3\r\n"+
			"X-Forwarded-Proto: https\r\nX-Forwarded-Host: outer.test\r\nForwarded: for=192.0.2.1\r\n\r\n")
		read(t, r)
		want := map[string]string{"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "inner.test", "Forwarded": ""}
		if c.trusted {
			want = map[string]string{"X-Forwarded-For": "192.0.2.1, 192.0.2.2, 192.0.2.3, 127.0.0.1", "X-Forwarded-Proto": "https",
				"X-Forwarded-Host": "outer.test", "Forwarded": "for=192.0.2.1"}
		}
		got := <-seen
		for field, value := range want {
			if strings.Join(got[field], "|") != value {
				t.Errorf("%s trusted: %s = %q, want %q", c.name, field, got[field], value)
			}
		}
	}
}

func TestHopByHopFieldsOfAResponseThatEndsTheConnectionStayBehind(t *testing.T) {
	address := scripted(t, func(conn net.Conn, r *bufio.Reader) {
		_, _ = http.ReadRequest(r)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nX-Kept: 1\r\n\r\nok")
	})
	response, body := get(t, front(t, to(address)).URL)
	if response.Header.Get("X-Hop") != "" || response.Header.Get("X-Kept") != "1" || body != "ok" {
		t.Errorf("response = %v %q", response.Header, body)
	}
}

func TestRequestThatHasNoFormInHTTP1Is400(t *testing.T) {
	address := backend(t, func(http.ResponseWriter, *http.Request) { t.Error("it reaches the upstream") })
	evil := func(change func(*http.Request)) func(http.Handler) http.Handler {
		return func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				change(r)
				h.ServeHTTP(w, r)
			})
		}
	}
	for name, change := range map[string]func(*http.Request){
		"method": func(r *http.Request) { r.Method = "GET / HTTP/1.1\r\nX: y\r\n\r\nGET" },
		"value":  func(r *http.Request) { r.Header.Set("X", "a\r\nY: z") },
		"host":   func(r *http.Request) { r.Host = "a.test\r\nX: y" },
	} {
		if response, _ := get(t, frontOf(t, to(address), evil(change)).URL); response.StatusCode != http.StatusBadRequest {
			t.Errorf("%s = %d", name, response.StatusCode)
		}
	}
}

// A body of unknown length is most likely none with these methods: HTTP/3.
func TestBodyThatTurnsOutToBeNoneIsNotAnnounced(t *testing.T) {
	seen := make(chan *http.Request, 1)
	address := backend(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		seen <- r
	})
	unknown := func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.ContentLength = -1
			r.Body = io.NopCloser(strings.NewReader(r.Header.Get("X-Body")))
			h.ServeHTTP(w, r)
		})
	}
	server := frontOf(t, to(address), unknown)
	for _, body := range []string{"", "x", "something"} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		r.Header.Set("X-Body", body)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if got := <-seen; (len(got.TransferEncoding) == 0) != (body == "") {
			t.Errorf("%q: transfer encoding %q", body, got.TransferEncoding)
		}
	}
}

func TestH2CUpstream(t *testing.T) {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	up := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "Grpc-Status")
		_, _ = io.WriteString(w, r.Proto+" te="+r.Header.Get("Te")+" ")
		_, _ = io.Copy(w, r.Body)
		w.Header().Set("Grpc-Status", "0")
	}))
	up.Config.Protocols = protocols
	up.Start()
	t.Cleanup(up.Close)
	address := up.Listener.Addr().String()
	byVersion := to(address)
	byVersion.Versions = []string{"h2c"}
	for name, cfg := range map[string]upstream.Config{"scheme": to("h2c://" + address), "version": byVersion} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, front(t, cfg).URL, strings.NewReader("body"))
		r.Header.Set("Te", "trailers")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if got := text(t, response.Body); got != "HTTP/2.0 te=trailers body" || response.Trailer.Get("Grpc-Status") != "0" {
			t.Errorf("%s: %q, trailer %v", name, got, response.Trailer)
		}
	}
}

// secured is an upstream that wants to know who comes, its files, and the
// names of those who came.
func secured(t *testing.T) (address, certificate, key string, came chan int) {
	t.Helper()
	came = make(chan int, 8)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { came <- len(r.TLS.PeerCertificates) }))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	dir := t.TempDir()
	certificate, key = filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	writePair(t, certificate, key)
	return server.Listener.Addr().String(), certificate, key, came
}

func TestUpstreamSeesTheClientCertificate(t *testing.T) {
	address, certificate, key, came := secured(t)
	cfg := to(address)
	cfg.TLS = &upstream.TLS{Always: true, Insecure: true, Certificate: certificate, Key: key}
	if response, _ := get(t, front(t, cfg).URL); response.StatusCode != 200 || <-came != 1 {
		t.Errorf("status = %d", response.StatusCode)
	}
	cfg.TLS = &upstream.TLS{Always: true, Insecure: true}
	if response, _ := get(t, front(t, cfg).URL); response.StatusCode != 502 {
		t.Errorf("without: status = %d", response.StatusCode)
	}
}

func TestChangedClientCertificateMeansNewConnections(t *testing.T) {
	address, certificate, key, came := secured(t)
	cfg := to(address)
	cfg.TLS = &upstream.TLS{Always: true, Insecure: true, Certificate: certificate, Key: key}
	pools := upstream.NewPools()
	serial := func() { // one request by a new configuration
		lease := pools.Lease()
		w := httptest.NewRecorder()
		handlerOver(t, lease, cfg).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://a.test/", nil))
		if w.Code != 200 || <-came != 1 {
			t.Errorf("status = %d", w.Code)
		}
	}
	serial()
	serial()
	if n := pools.Open(); n != 1 {
		t.Errorf("%d pools for one certificate", n)
	}
	writePair(t, certificate, key)
	serial()
	if n := pools.Open(); n != 2 {
		t.Errorf("%d pools for two certificates", n)
	}
}

func TestConnectionsAreNotKeptIfTheyMustNot(t *testing.T) {
	address, opened, _ := counted(t)
	cfg := to(address)
	cfg.KeepAlive = -1
	lease := upstream.NewPools().Lease()
	h := handlerOver(t, lease, cfg)
	once(t, h)
	once(t, h)
	if opened.Load() != 2 {
		t.Errorf("%d connections", opened.Load())
	}
}

func TestUpstreamThatFallsSilentIsGivenUpAfterTheReadTimeout(t *testing.T) {
	cfg := to(scripted(t, func(conn net.Conn, r *bufio.Reader) {
		_, _ = http.ReadRequest(r)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
		_, _ = io.Copy(io.Discard, r)
	}))
	cfg.ReadTimeout = 50 * time.Millisecond
	response, err := http.Get(front(t, cfg).URL)
	if err == nil {
		_, err = io.ReadAll(response.Body)
		_ = response.Body.Close()
	}
	if err == nil {
		t.Error("the response is complete")
	}
}

// stream opens an upgraded connection through cfg and returns the client's end.
func stream(t *testing.T, cfg upstream.Config) (*httptest.Server, net.Conn, *bufio.Reader) {
	t.Helper()
	server := front(t, cfg)
	conn, r := dial(t, server)
	send(t, conn, "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	if response := read(t, r); response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(response.Status)
	}
	return server, conn, r
}

func TestStreamTimeoutEndsAWebSocket(t *testing.T) {
	cfg := to(backend(t, upgrade))
	cfg.StreamTimeout = 50 * time.Millisecond
	_, _, r := stream(t, cfg)
	began := time.Now()
	if _, err := r.ReadByte(); err == nil || time.Since(began) > 5*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}

func TestHalfAStreamMayEndBeforeTheOther(t *testing.T) {
	server := front(t, to(scripted(t, func(conn net.Conn, r *bufio.Reader) {
		_, _ = http.ReadRequest(r)
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
		sent, _ := io.ReadAll(r)
		_, _ = io.WriteString(conn, "got "+string(sent))
	})))
	conn, r := dial(t, server)
	send(t, conn, "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
	read(t, r)
	send(t, conn, "all")
	_ = conn.(*net.TCPConn).CloseWrite()
	if got, err := io.ReadAll(r); string(got) != "got all" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestUnaskedUpgradeIs502(t *testing.T) {
	for _, protocol := range []string{"other", ""} {
		server := front(t, to(scripted(t, func(conn net.Conn, r *bufio.Reader) {
			_, _ = http.ReadRequest(r)
			_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+protocol+"\r\n\r\n")
		})))
		conn, r := dial(t, server)
		send(t, conn, "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		if response := read(t, r); response.StatusCode != http.StatusBadGateway {
			t.Errorf("%q: %s", protocol, response.Status)
		}
	}
}

func TestFlushIntervalBoundsTheWaitOfAPart(t *testing.T) {
	for _, interval := range []time.Duration{-1, 20 * time.Millisecond} {
		more := make(chan struct{})
		cfg := to(backend(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "8")
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
			<-more
			_, _ = io.WriteString(w, "half")
		}))
		cfg.FlushInterval = interval
		response, err := http.Get(front(t, cfg).URL)
		if err != nil {
			t.Fatal(err)
		}
		half := make([]byte, 4)
		if _, err := io.ReadFull(response.Body, half); err != nil {
			t.Errorf("%v: %v", interval, err)
		}
		close(more)
		_ = text(t, response.Body)
	}
}

func TestStreamCloseDelayEndsAWebSocketAfterAReload(t *testing.T) {
	for delay, ends := range map[time.Duration]bool{20 * time.Millisecond: true, 0: false} {
		cfg := to(backend(t, upgrade))
		cfg.StreamCloseDelay = delay
		lease := upstream.NewPools().Lease()
		server := httptest.NewServer(handlerOver(t, lease, cfg))
		t.Cleanup(server.Close)
		conn, r := dial(t, server)
		send(t, conn, "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		read(t, r)
		lease.Release()
		if !ends {
			_ = conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		}
		_, err := r.ReadByte()
		if open := errors.Is(err, os.ErrDeadlineExceeded); open == ends {
			t.Errorf("delay %v: %v", delay, err)
		}
	}
}

// A part of a request may be in the hands of one upstream: no other gets the rest.
func TestRequestWhoseBodyIsTouchedGoesToNoOtherUpstream(t *testing.T) {
	hangsUp := scripted(t, func(_ net.Conn, r *bufio.Reader) {
		request, err := http.ReadRequest(r)
		if err == nil {
			_, _ = request.Body.Read(make([]byte, 1))
		}
	})
	other := backend(t, func(http.ResponseWriter, *http.Request) { t.Error("the other is asked") })
	server := front(t, to(hangsUp, other))
	response, err := http.Post(server.URL, "text/plain", strings.NewReader("the body"))
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusBadGateway {
		t.Errorf("status = %d", response.StatusCode)
	}
}
