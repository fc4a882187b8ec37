package proxy_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"dwaar/proxy"
	"dwaar/proxy/handler"
)

// client3 asks over HTTP/3 and nothing else.
func (r *running) client3(configured string) *http.Client {
	addr := r.addr(configured)
	transport := &http3.Transport{
		TLSClientConfig: &tls.Config{RootCAs: rootsOf(r.tls)},
		Dial: func(ctx context.Context, _ string, tlsConfig *tls.Config, config *quic.Config) (*quic.Conn, error) {
			return quic.DialAddr(ctx, addr, tlsConfig, config)
		},
	}
	r.t.Cleanup(func() { _ = transport.Close() })
	return &http.Client{Transport: transport, Timeout: 20 * time.Second}
}

func TestHTTP3IsAnnouncedAndServed(t *testing.T) {
	cfg := secure(handler.Chain{{Directive: handler.Respond{Body: "{http.request.proto} {http.request.remote.host}"}}})
	server := start(t, cfg)
	_, port, _ := net.SplitHostPort(server.addr(loopback))
	for url, want := range map[string]string{
		"https://a.test:" + port: `h3=":` + port + `"; ma=86400`,
		"https://a.test":         `h3=":443"; ma=86400`,
		"https://a.test:8443":    `h3=":8443"; ma=86400`, // a port that something in front maps
	} {
		response, _ := get(t, server.client(loopback), url)
		if got := response.Header.Get("Alt-Svc"); got != want {
			t.Errorf("%s: Alt-Svc = %q, want %q", url, got, want)
		}
	}
	response, text := get(t, server.client3(loopback), "https://a.test:"+port)
	if text != "HTTP/3.0 127.0.0.1" || response.ProtoMajor != 3 || response.Header.Get("Alt-Svc") != "" {
		t.Errorf("over HTTP/3: %q, %s, Alt-Svc %q", text, response.Proto, response.Header.Get("Alt-Svc"))
	}
}

func TestProtocolsThatAreNotWantedAreNotSpoken(t *testing.T) {
	cfg := secure(respond("hello"))
	cfg.Protocols = []string{proxy.HTTP1, proxy.HTTP2}
	server := start(t, cfg)
	addr := server.addr(loopback)
	response, _ := get(t, server.client(loopback), "https://a.test")
	if response.ProtoMajor != 2 || response.Header.Get("Alt-Svc") != "" {
		t.Errorf("without h3: %s, Alt-Svc %q", response.Proto, response.Header.Get("Alt-Svc"))
	}
	udp, err := net.ListenPacket("udp", addr)
	if err != nil {
		t.Fatalf("the UDP port is in use: %v", err)
	}
	_ = udp.Close()

	cfg.Protocols = []string{proxy.HTTP1}
	server.apply(cfg)
	if response, _ = get(t, server.client(loopback), "https://a.test"); response.ProtoMajor != 1 {
		t.Errorf("with h1 only: %s", response.Proto)
	}
	cfg.Protocols = nil
	server.apply(cfg)
	if response, _ = get(t, server.client(loopback), "https://a.test"); response.ProtoMajor != 2 {
		t.Errorf("with all again: %s", response.Proto)
	}
	get(t, server.client3(loopback), "https://a.test")
}

func TestBadProtocolsAreRefused(t *testing.T) {
	for _, c := range []struct {
		list []string
		want string
	}{
		{[]string{"h2"}, "protocols: h1 is missing: plain HTTP, its redirects and the challenges of a CA need it"},
		{[]string{"h1", "h1"}, "protocols: h1 is there twice"},
		{[]string{"h1", "h2c"}, `protocols: "h2c" is not h1, h2 or h3`},
	} {
		if err := (proxy.Config{Protocols: c.list}).Check(); err == nil || err.Error() != c.want {
			t.Errorf("%v: %v, want %s", c.list, err, c.want)
		}
	}
}

func TestBusyUDPPortIsNamed(t *testing.T) {
	cfg := secure(respond("hello"))
	cfg.Protocols = []string{proxy.HTTP1}
	server := start(t, cfg)
	udp, err := net.ListenPacket("udp", server.addr(loopback))
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	cfg.Protocols = nil
	_, err = server.Prepare(cfg, func(string) *tls.Config { return server.tls })
	if err == nil || !strings.Contains(err.Error(), "for HTTP/3") || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("Prepare = %v", err)
	}
	get(t, server.client(loopback), "https://a.test") // what served goes on
}

// HTTP/3 connections stay over reloads, and see the new configuration.
func TestReloadsUnderHTTP3LoadFailNoRequest(t *testing.T) {
	server := start(t, secure(respond("version")))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var load sync.WaitGroup
	var answers atomic.Int64
	for range 2 {
		client := server.client3(loopback)
		load.Go(func() {
			for ctx.Err() == nil {
				response, err := client.Get("https://a.test")
				if err != nil {
					t.Errorf("a request failed: %v", err)
					return
				}
				if text := body(t, response); text != "version" {
					t.Errorf("answer = %q", text)
				}
				answers.Add(1)
			}
		})
	}
	for i := range 50 {
		cfg := secure(respond("version"))
		cfg.Timeouts.Idle = time.Duration(i+60) * time.Second
		server.apply(cfg)
	}
	seen := answers.Load()
	eventually(t, "more answers", func() bool { return answers.Load() > seen })
	stop()
	load.Wait()
}

func TestStopLetsHTTP3RequestsFinish(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	up := backend(t, func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-release
		_, _ = io.WriteString(w, "finished")
	})
	server := start(t, secure(proxyTo(up)))
	result := make(chan string, 1)
	client := server.client3(loopback)
	go func() {
		response, err := client.Get("https://a.test")
		if err != nil {
			result <- err.Error()
			return
		}
		result <- body(t, response)
	}()
	<-begun
	stopped := make(chan struct{})
	go func() { server.stop(); close(stopped) }()
	time.Sleep(50 * time.Millisecond) // in which a bad server would have hung up
	close(release)
	if got := <-result; got != "finished" {
		t.Errorf("answer = %q", got)
	}
	<-stopped
}

func TestStopEndsHTTP3RequestsAfterTheGracePeriod(t *testing.T) {
	begun, ended := make(chan struct{}), make(chan struct{})
	up := backend(t, func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
		close(ended)
	})
	cfg := secure(proxyTo(up))
	cfg.GracePeriod = 200 * time.Millisecond
	server := start(t, cfg)
	client := server.client3(loopback)
	go func() {
		if response, err := client.Get("https://a.test"); err == nil {
			_ = response.Body.Close()
		}
	}()
	<-begun
	began := time.Now()
	server.stop()
	<-ended
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestHTTP3HeaderIsBounded(t *testing.T) {
	cfg := secure(respond("hello"))
	cfg.MaxHeaderBytes = 4 << 10
	server := start(t, cfg)
	request, _ := http.NewRequest(http.MethodGet, "https://a.test", nil)
	request.Header.Set("X-Large", strings.Repeat("x", 8<<10))
	response, err := server.client3(loopback).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = body(t, response)
	if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status = %d", response.StatusCode)
	}
}

func TestHTTP3BodyMustArriveInTime(t *testing.T) {
	up := backend(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	cfg := secure(proxyTo(up))
	cfg.Timeouts.ReadBody = 100 * time.Millisecond
	server := start(t, cfg)
	slow, feed := io.Pipe()
	defer feed.Close()
	request, _ := http.NewRequest(http.MethodPost, "https://a.test", slow)
	response, err := server.client3(loopback).Do(request)
	if err != nil {
		return // the stream was reset
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusRequestTimeout {
		t.Errorf("status = %d", response.StatusCode)
	}
}

// A connection has as many requests under way as it may, and no early data.
func TestHTTP3LimitsOfAConnection(t *testing.T) {
	server := start(t, secure(respond("hello")))
	conn, err := quic.DialAddrEarly(t.Context(), server.addr(loopback),
		&tls.Config{RootCAs: rootsOf(server.tls), ServerName: "a.test", NextProtos: []string{"h3"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.CloseWithError(0, "") }()
	<-conn.HandshakeComplete()
	opened := 0
	for ; ; opened++ {
		stream, err := conn.OpenStream()
		if err != nil {
			var limit *quic.StreamLimitReachedError
			if !errors.As(err, &limit) {
				t.Errorf("OpenStream = %v", err)
			}
			break
		}
		_, _ = stream.Write([]byte{1}) // the beginning of a HEADERS frame
	}
	if opened != 100 {
		t.Errorf("%d streams could be opened, want 100", opened)
	}
	if conn.ConnectionState().Used0RTT {
		t.Error("early data was accepted")
	}
}

func TestHTTP3StreamThatBreaksIsNoCompleteResponse(t *testing.T) {
	server := start(t, secure(proxyTo(rawBackend(t, func(c *raw) {
		_, _ = http.ReadRequest(c.r)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
	}))))
	response, err := server.client3(loopback).Get("https://a.test/")
	if err != nil {
		return // broken off before the header was read
	}
	defer response.Body.Close()
	if got, err := io.ReadAll(response.Body); err == nil {
		t.Errorf("body = %q, want an error", got)
	}
}

// What an upstream says of other ports is about itself.
func TestAltSvcOfAnUpstreamIsNotPassedOn(t *testing.T) {
	server := start(t, secure(proxyTo(backend(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Alt-Svc", `h2=":4430"`)
	}))))
	response, _ := get(t, server.client(loopback), "https://a.test")
	if got := response.Header.Values("Alt-Svc"); len(got) != 1 || got[0] != `h3=":443"; ma=86400` {
		t.Errorf("Alt-Svc = %q", got)
	}
	if response, _ := get(t, server.client3(loopback), "https://a.test"); response.Header.Get("Alt-Svc") != "" {
		t.Errorf("over HTTP/3: Alt-Svc = %q", response.Header.Get("Alt-Svc"))
	}
}

// A connection whose requests never become whole is not kept for ever.
func TestHTTP3HeadersThatDoNotComeEndTheConnection(t *testing.T) {
	cfg := secure(respond("hello"))
	cfg.Timeouts.Idle = 300 * time.Millisecond
	server := start(t, cfg)
	conn, err := quic.DialAddr(t.Context(), server.addr(loopback),
		&tls.Config{RootCAs: rootsOf(server.tls), ServerName: "a.test", NextProtos: []string{"h3"}},
		&quic.Config{KeepAlivePeriod: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	stream, err := conn.OpenStream()
	if err != nil {
		t.Fatal(err)
	}
	_, _ = stream.Write([]byte{1, 100, 0}) // a HEADERS frame of 100 bytes, and one of them
	select {
	case <-conn.Context().Done():
	case <-time.After(10 * time.Second):
		t.Error("the connection is kept")
	}
}

func TestHTTP3WriteTimeoutEndsAResponse(t *testing.T) {
	up := backend(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, "more ")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	})
	cfg := secure(proxyTo(up))
	cfg.Timeouts.Write = 200 * time.Millisecond
	response, err := start(t, cfg).client3(loopback).Get("https://a.test/")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if got, err := io.ReadAll(response.Body); err == nil {
		t.Errorf("the response ended well, after %d bytes", len(got))
	}
}

// A reload that ends HTTP/3 lets its requests end, and gives the port back.
func TestHTTP3ThatLeavesTheConfigurationEndsWell(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	up := backend(t, func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-release
		_, _ = io.WriteString(w, "finished")
	})
	cfg := secure(proxyTo(up))
	server := start(t, cfg)
	addr := server.addr(loopback)
	result := make(chan string, 1)
	client := server.client3(loopback)
	go func() {
		response, err := client.Get("https://a.test")
		if err != nil {
			result <- err.Error()
			return
		}
		result <- body(t, response)
	}()
	<-begun
	cfg.Protocols = []string{proxy.HTTP1, proxy.HTTP2}
	server.apply(cfg)
	time.Sleep(50 * time.Millisecond) // in which a bad server would have hung up
	close(release)
	if got := <-result; got != "finished" {
		t.Errorf("answer = %q", got)
	}
	eventually(t, "the end of the UDP socket", func() bool {
		socket, err := net.ListenPacket("udp", addr)
		if err == nil {
			_ = socket.Close()
		}
		return err == nil
	})
	cfg.Protocols = nil
	server.apply(cfg)
}
