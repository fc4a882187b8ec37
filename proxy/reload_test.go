package proxy_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"dwaar/proxy"
	"dwaar/proxy/handler"
)

func TestFiftyReloadsUnderLoadFailNoRequest(t *testing.T) {
	upstream := backend(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	config := func(i int) proxy.Config {
		routes := append(handler.Chain{{Directive: handler.Header{Ops: []handler.HeaderOp{
			{Op: "set", Field: "X-Generation", Value: fmt.Sprint(i)},
		}}}}, proxyTo(upstream)...)
		cfg := plain(routes)
		cfg.Listeners = append(cfg.Listeners, proxy.Listener{Address: "localhost:0", TLS: true, Sites: cfg.Listeners[0].Sites})
		cfg.Timeouts.Idle = time.Duration(60+i%3) * time.Second // a new generation at each reload
		return cfg
	}
	server := start(t, config(0))
	ctx, cancel := context.WithCancel(t.Context())
	var load sync.WaitGroup
	var done atomic.Int64
	for _, target := range []struct{ address, url string }{{loopback, "http://a.test/"}, {"localhost:0", "https://a.test/"}} {
		for range 4 {
			client := server.client(target.address)
			load.Go(func() {
				for ctx.Err() == nil {
					response, err := client.Post(target.url, "text/plain", strings.NewReader("hello"))
					if err != nil {
						t.Errorf("request %d: %v", done.Load(), err)
						return
					}
					if got := body(t, response); got != "hello" || response.StatusCode != 200 {
						t.Errorf("request %d = %d %q", done.Load(), response.StatusCode, got)
					}
					done.Add(1)
				}
			})
		}
	}
	for i := 1; i <= 50; i++ {
		server.apply(config(i))
		for _, address := range []string{loopback, "localhost:0"} {
			url := map[bool]string{true: "http://a.test/", false: "https://a.test/"}[address == loopback]
			if response, _ := get(t, server.client(address), url); response.Header.Get("X-Generation") != fmt.Sprint(i) {
				t.Errorf("after reload %d the configuration is %s", i, response.Header.Get("X-Generation"))
			}
		}
	}
	cancel()
	load.Wait()
	if done.Load() < 100 {
		t.Errorf("only %d requests were made", done.Load())
	}
}

func TestOpenConnectionSeesTheNewConfigurationWithItsNextRequest(t *testing.T) {
	server := start(t, plain(respond("old")))
	conn := server.dial(loopback)
	for _, want := range []string{"old", "new"} {
		server.apply(plain(respond(want)))
		conn.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
		if _, got := conn.answer(); got != want {
			t.Errorf("answer = %q, want %q", got, want)
		}
	}
}

func TestWebSocketSurvivesReloadsAndEndsWithTheServer(t *testing.T) {
	server := start(t, plain(proxyTo(echo(t))))
	conn := server.dial(loopback)
	conn.send("GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n")
	if response := conn.response(); response.StatusCode != http.StatusSwitchingProtocols || response.Header.Get("Upgrade") != "websocket" {
		t.Fatalf("upgrade = %v", response)
	}
	for i := range 4 {
		conn.send("ping")
		reply := make([]byte, 4)
		if _, err := io.ReadFull(conn.r, reply); err != nil || string(reply) != "ping" {
			t.Fatalf("echo after %d reloads = %q, %v", i, reply, err)
		}
		cfg := plain(respond("no upstream any more"))
		cfg.GracePeriod = 300 * time.Millisecond
		cfg.Timeouts.Write = time.Duration(i+1) * time.Millisecond // is not for upgraded connections
		server.apply(cfg)
	}
	server.stop()
	conn.ended()
}

// echo is an upstream that upgrades and then sends back what it gets.
func echo(t *testing.T) string {
	return rawBackend(t, func(c *raw) {
		request, err := http.ReadRequest(c.r)
		if err != nil {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+request.Header.Get("Upgrade")+"\r\nX-Up: 1\r\n\r\n")
		_, _ = io.Copy(c, c.r)
	})
}

func TestChangedTimeoutIsForNewConnections(t *testing.T) {
	server := start(t, plain(respond("x")))
	old := server.dial(loopback)
	old.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
	old.answer()
	cfg := plain(respond("x"))
	cfg.Timeouts.Idle = 50 * time.Millisecond
	server.apply(cfg)
	fresh := server.dial(loopback)
	fresh.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
	fresh.answer()
	fresh.ended()
	old.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
	if _, got := old.answer(); got != "x" {
		t.Errorf("old connection answers %q", got)
	}
}

func TestRemovedListenerEndsItsRequestsAndTakesNoMore(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	upstream := backend(t, func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		_, _ = io.WriteString(w, "finished")
	})
	cfg := plain(proxyTo(upstream))
	cfg.Listeners = append(cfg.Listeners, proxy.Listener{Address: "localhost:0", Sites: []proxy.Site{{Routes: respond("kept")}}})
	server := start(t, cfg)
	address := server.addr(loopback)
	conn := server.dial(loopback)
	conn.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
	<-entered
	cfg.Listeners = cfg.Listeners[1:]
	server.apply(cfg)
	eventually(t, "the end of listening", func() bool {
		other, err := net.Dial("tcp", address)
		if err == nil {
			_ = other.Close()
		}
		return errors.Is(err, syscall.ECONNREFUSED)
	})
	close(release)
	if _, got := conn.answer(); got != "finished" {
		t.Errorf("the request that was under way = %q", got)
	}
	conn.ended()
	if _, got := get(t, server.client("localhost:0"), "http://a.test/"); got != "kept" {
		t.Errorf("the other listener = %q", got)
	}
	if server.Addr(loopback) != nil {
		t.Error("the removed listener still has an address")
	}
}

func TestRefusedConfigurationChangesNothing(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	server := start(t, plain(respond("serving")))
	free := freeAddress(t)
	bad := plain(respond("never"))
	bad.Listeners = append(bad.Listeners, proxy.Listener{Address: free}, proxy.Listener{Address: busy.Addr().String()})
	if _, err := server.Prepare(bad, nil); !errors.Is(err, syscall.EADDRINUSE) || strings.Contains(err.Error(), "this dwaar") {
		t.Errorf("busy address: %v", err)
	}
	if _, got := get(t, server.client(loopback), "http://a.test/"); got != "serving" {
		t.Errorf("after a refused configuration: %q", got)
	}
	if again, err := net.Listen("tcp", free); err != nil {
		t.Errorf("the refused configuration holds on to a socket: %v", err)
	} else {
		_ = again.Close()
	}
}

func TestOwnPortUnderAnotherAddressIsExplained(t *testing.T) {
	port := freePort(t)
	server := start(t, proxy.Config{Listeners: []proxy.Listener{{Address: "127.0.0.1:" + port}}})
	_, err := server.Prepare(proxy.Config{Listeners: []proxy.Listener{{Address: ":" + port}}}, nil)
	want := "this dwaar holds the port as 127.0.0.1:" + port + ", and can change that only by a restart"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error = %v, want %q in it", err, want)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	_, port, _ := net.SplitHostPort(freeAddress(t))
	return port
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func TestAbortedConfigurationIsForgotten(t *testing.T) {
	server := start(t, plain(respond("serving")))
	free := freeAddress(t)
	prepared, err := server.Prepare(proxy.Config{Listeners: []proxy.Listener{{Address: free}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	prepared.Abort()
	if _, err := net.Dial("tcp", free); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dialling an aborted listener: %v", err)
	}
	if _, got := get(t, server.client(loopback), "http://a.test/"); got != "serving" {
		t.Errorf("after an abort: %q", got)
	}
}

func TestCertificatesOfAKeptListenerAreAskedForOnce(t *testing.T) {
	server := start(t, secure(respond("x")))
	prepared, err := server.Prepare(secure(respond("y")), func(string) *tls.Config {
		t.Error("asked again")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := prepared.Commit(); err != nil {
		t.Fatal(err)
	}
	if _, got := get(t, server.client(loopback), "https://a.test/"); got != "y" {
		t.Errorf("after the reload: %q", got)
	}
}

func TestListenerChangesBetweenHTTPAndHTTPS(t *testing.T) {
	server := start(t, plain(respond("x")))
	for _, scheme := range []string{"http", "https", "http"} {
		if scheme == "https" {
			server.apply(secure(respond("x")))
		} else {
			server.apply(plain(respond("x")))
		}
		if _, got := get(t, server.client(loopback), scheme+"://a.test/"); got != "x" {
			t.Errorf("%s: %q", scheme, got)
		}
	}
}

func TestStoppedServerTakesNoConfiguration(t *testing.T) {
	server := start(t, plain(respond("x")))
	free := freeAddress(t)
	prepared, err := server.Prepare(proxy.Config{Listeners: []proxy.Listener{{Address: free}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	server.stop()
	if err := prepared.Commit(); err == nil || err.Error() != "the server has stopped" {
		t.Errorf("Commit = %v", err)
	}
	prepared.Abort() // again, which is nothing
	if _, err := net.Dial("tcp", free); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("its listener: %v", err)
	}
}
