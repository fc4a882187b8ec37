package upstream_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dwaar/proxy/upstream"
)

// dying is an upstream that reads a request whole and closes the connection.
func dying(t *testing.T) (address string, asked *atomic.Int64) {
	t.Helper()
	asked = new(atomic.Int64)
	return scripted(t, func(_ net.Conn, r *bufio.Reader) {
		request, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, request.Body)
		asked.Add(1)
	}), asked
}

func TestWhatReachedAnUpstreamIsRepeatedOnlyIfItMayBe(t *testing.T) {
	for _, c := range []struct {
		method, body string
		times        int64
	}{
		{http.MethodGet, "", 4},
		{http.MethodHead, "", 4},
		{http.MethodDelete, "", 4},
		{http.MethodPut, "", 4},
		{http.MethodPut, "body", 1},
		{http.MethodGet, "body", 1},
		{http.MethodPost, "", 1},
		{http.MethodPost, "body", 1},
		{http.MethodPatch, "", 1},
		{"PURGE", "", 1},
	} {
		address, asked := dying(t)
		cfg := to(address)
		cfg.LoadBalancing = &upstream.LoadBalancing{Retries: 3}
		server := front(t, cfg)
		r, err := http.NewRequestWithContext(t.Context(), c.method, server.URL, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusBadGateway || asked.Load() != c.times {
			t.Errorf("%s %q: %d after %d attempts, want %d", c.method, c.body, response.StatusCode, asked.Load(), c.times)
		}
	}
}

func TestABodyThatNobodyReadGoesToTheNextUpstream(t *testing.T) {
	alive := backend(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	server := front(t, to(unusedAddress(t), unusedAddress(t), alive))
	for range 3 {
		response, err := http.Post(server.URL, "text/plain", strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		if got := text(t, response.Body); response.StatusCode != http.StatusOK || got != "body" {
			t.Errorf("%d %q", response.StatusCode, got)
		}
	}
}

func TestAClientThatLeavesWhileItWaitsIsForgotten(t *testing.T) {
	cfg := to(unusedAddress(t))
	cfg.LoadBalancing = &upstream.LoadBalancing{TryDuration: time.Hour}
	pools := upstream.NewPools()
	lease := pools.Lease()
	t.Cleanup(lease.Release)
	h := handlerOver(t, lease, cfg)
	ctx, leave := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer leave()
	began := time.Now()
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "http://a.test/", nil))
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it waited %v", took)
	}
}

func TestRequestsUnderWayReturnToZeroHoweverTheyEnd(t *testing.T) {
	address := scripted(t, func(conn net.Conn, r *bufio.Reader) {
		request, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		switch request.URL.Path {
		case "/upgrade":
			_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
			_, _ = io.Copy(conn, r)
		case "/broken":
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
		case "/silent":
			_, _ = io.Copy(io.Discard, r)
		}
	})
	pools := upstream.NewPools()
	lease := pools.Lease()
	t.Cleanup(lease.Release)
	server := httptest.NewServer(handlerOver(t, lease, to(address)))
	t.Cleanup(server.Close)
	inFlight := func() int64 { return pools.Status()[0].InFlight }
	for path, meanwhile := range map[string]int64{"/upgrade": 1, "/broken": -1, "/silent": 1} {
		conn, r := dial(t, server)
		send(t, conn, "GET "+path+" HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		if path == "/upgrade" {
			read(t, r)
			send(t, conn, "ping")
			if _, err := r.Peek(4); err != nil {
				t.Fatal(err)
			}
		}
		if meanwhile >= 0 {
			eventually(t, path+" is under way", func() bool { return inFlight() == meanwhile })
		}
		_ = conn.Close()
		eventually(t, path+" is over", func() bool { return inFlight() == 0 })
	}
}
