package upstream_test

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"dwaar/proxy/upstream"
)

// counted is an upstream that counts its connections.
func counted(t *testing.T) (address string, opened, open *atomic.Int64) {
	t.Helper()
	opened, open = new(atomic.Int64), new(atomic.Int64)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "x") }))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			opened.Add(1)
			open.Add(1)
		case http.StateClosed:
			open.Add(-1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String(), opened, open
}

func once(t *testing.T, h http.Handler) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://a.test/", nil))
	if w.Body.String() != "x" {
		t.Errorf("answer = %d %q", w.Code, w.Body)
	}
}

func handlerOver(t *testing.T, lease *upstream.Lease, cfg upstream.Config) http.Handler {
	t.Helper()
	h, err := upstream.New(cfg, upstream.Edits{}, lease, slog.New(slog.DiscardHandler), plain)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestConnectionsOutliveAReloadThatKeepsTheirUpstream(t *testing.T) {
	address, opened, open := counted(t)
	pools := upstream.NewPools()
	before := pools.Lease()
	once(t, handlerOver(t, before, to(address)))
	after := pools.Lease()
	h := handlerOver(t, after, to("http://"+address))
	before.Release()
	once(t, h)
	if opened.Load() != 1 {
		t.Errorf("%d connections were opened, want 1", opened.Load())
	}
	after.Release()
	gone(t, open)
}

func TestConnectionsCloseWhenTheirUpstreamIsGone(t *testing.T) {
	address, opened, open := counted(t)
	pools := upstream.NewPools()
	lease := pools.Lease()
	once(t, handlerOver(t, lease, to(address)))
	other := pools.Lease()
	changed := to(address)
	changed.ResponseHeaderTimeout = time.Minute
	h := handlerOver(t, other, changed)
	lease.Release()
	gone(t, open)
	once(t, h)
	if opened.Load() != 2 {
		t.Errorf("%d connections were opened, want 2", opened.Load())
	}
	other.Release()
	gone(t, open)
}

func gone(t *testing.T, open *atomic.Int64) {
	t.Helper()
	for range 1000 {
		if open.Load() == 0 {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
	t.Errorf("%d connections stay open", open.Load())
}

func TestUpstreamThatHangsInDiallingIsAskedLastForAWhile(t *testing.T) {
	hanging := hangingAddress(t)
	address, _, _ := counted(t)
	lease := upstream.NewPools().Lease()
	t.Cleanup(lease.Release)
	cfg := to(hanging, address)
	cfg.DialTimeout = 300 * time.Millisecond
	h := handlerOver(t, lease, cfg)
	once(t, h) // meets it
	began := time.Now()
	for range 6 {
		once(t, h)
	}
	if took := time.Since(began); took > 250*time.Millisecond {
		t.Errorf("six requests after it was found dead took %v", took)
	}
}

// hangingAddress is a socket whose backlog is full, so that a dial hangs.
func hangingAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	shrinkBacklog(t, listener)
	for range 8 {
		conn, err := net.DialTimeout("tcp", listener.Addr().String(), 50*time.Millisecond)
		if err != nil {
			break
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	return listener.Addr().String()
}
