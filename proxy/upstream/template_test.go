package upstream_test

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"dwaar/proxy/upstream"
)

func saying(t *testing.T, word string) string {
	return backend(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, word) })
}

// askFor is one request that says where it wants to go.
func askFor(h http.Handler, target string) string {
	r := httptest.NewRequest(http.MethodGet, "http://a.test/", nil)
	if target != "" {
		r.Header.Set("X-Target", target)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return fmt.Sprint(w.Code, " ", strings.TrimSpace(w.Body.String()))
}

func TestPlaceholdersSayWhichServerIsMeant(t *testing.T) {
	lease := upstream.NewPools().Lease()
	t.Cleanup(lease.Release)
	h := handlerOver(t, lease, to("{header.X-Target}"))
	one, two := saying(t, "one"), saying(t, "two")
	for range 2 {
		if got, other := askFor(h, one), askFor(h, two); got != "200 one" || other != "200 two" {
			t.Errorf("answers = %s, %s", got, other)
		}
	}
	for _, target := range []string{
		"", ":" + strings.Split(one, ":")[1], "unix//run/x.sock", "http://" + one, one + "/path", "user@" + one, "{header.X-Target}", one + "\x01", strings.Repeat("a", 10) + " b:80",
	} {
		if got := askFor(h, target); !strings.HasPrefix(got, "503 ") {
			t.Errorf("%q: %s", target, got)
		}
	}
	if got := askFor(h, unusedAddress(t)); !strings.HasPrefix(got, "502 ") {
		t.Errorf("nobody listens: %s", got)
	}
	if got := askFor(h, one); got != "200 one" {
		t.Errorf("after one that refused: %s", got)
	}
}

func TestClientsCannotFillTheLog(t *testing.T) {
	var logs log
	lease := upstream.NewPools().Lease()
	t.Cleanup(lease.Release)
	cfg := to("{header.X-Target}")
	cfg.PassiveHealth = &upstream.PassiveHealth{FailDuration: 1 << 40}
	h, err := upstream.New(cfg, upstream.Edits{}, lease, slog.New(slog.NewTextHandler(&logs, nil)), plain)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		askFor(h, unusedAddress(t))
	}
	if n := strings.Count(logs.text(), "\n"); n > 2 {
		t.Errorf("%d lines of log:\n%s", n, logs.text())
	}
}

func TestAFailureIsOfTheServerThatWasMeant(t *testing.T) {
	bad := backend(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	good := saying(t, "good")
	cfg := to("{header.X-Target}", saying(t, "spare"))
	cfg.LoadBalancing = &upstream.LoadBalancing{Policy: &upstream.Policy{Name: "first"}}
	cfg.PassiveHealth = &upstream.PassiveHealth{FailDuration: 1 << 40, UnhealthyStatus: []int{5}}
	lease := upstream.NewPools().Lease()
	t.Cleanup(lease.Release)
	h := handlerOver(t, lease, cfg)
	for _, c := range []struct{ target, want string }{{bad, "500 "}, {bad, "200 spare"}, {good, "200 good"}, {"", "200 spare"}} {
		if got := askFor(h, c.target); got != c.want {
			t.Errorf("%s: %s, want %s", c.target, got, c.want)
		}
	}
}

func TestServersThatRequestsNameAreBounded(t *testing.T) {
	var open atomic.Int64
	up := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "x") }),
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				open.Add(1)
			case http.StateClosed:
				open.Add(-1)
			}
		},
	}
	t.Cleanup(func() { _ = up.Close() })
	lease := upstream.NewPools().Lease()
	h := handlerOver(t, lease, to("{header.X-Target}"))
	for range 300 {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() { _ = up.Serve(listener) }()
		if got := askFor(h, listener.Addr().String()); got != "200 x" {
			t.Fatal(got)
		}
	}
	eventually(t, "connections to at most 256 servers", func() bool { return open.Load() == 256 })
	lease.Release()
	gone(t, &open)
}

func TestActiveChecksCannotAskWhoIsNotKnown(t *testing.T) {
	cfg := checked("{header.X-Target}")
	_, err := upstream.New(cfg, upstream.Edits{}, upstream.NewPools().Lease(), slog.New(slog.DiscardHandler), plain)
	if err == nil || !strings.Contains(err.Error(), "which only requests know") {
		t.Error(err)
	}
}
