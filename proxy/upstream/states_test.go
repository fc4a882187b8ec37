package upstream_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dwaar/proxy/upstream"
)

func checked(upstreams ...string) upstream.Config {
	cfg := to(upstreams...)
	cfg.ActiveHealth = &upstream.ActiveHealth{URI: "/health", Interval: 100 * time.Millisecond}
	return cfg
}

// running runs the checks of pools until the test ends.
func running(t *testing.T, pools *upstream.Pools) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { pools.Run(ctx) })
	t.Cleanup(func() {
		stop()
		done.Wait()
	})
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 1000 {
		if holds() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("%s: never", what)
}

func status(t *testing.T, h http.Handler) int {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://a.test/", nil))
	return w.Code
}

func TestHealthOutlivesReloadsAndChecksDoNotMultiply(t *testing.T) {
	var checks, sick atomic.Int64
	address := backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/health" {
			checks.Add(1)
			if sick.Load() != 0 {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}
	})
	var logs log
	pools := upstream.NewPools()
	running(t, pools)
	build := func() (*upstream.Lease, http.Handler) {
		lease := pools.Lease()
		h, err := upstream.New(checked(address), upstream.Edits{}, lease, slog.New(slog.NewTextHandler(&logs, nil)), plain)
		if err != nil {
			t.Fatal(err)
		}
		return lease, h
	}
	before, h := build()
	before.Start()
	sick.Store(1)
	eventually(t, "an upstream that is not healthy is not asked", func() bool { return status(t, h) == http.StatusServiceUnavailable })
	idle := runtime.NumGoroutine()
	for range 100 {
		next, handler := build()
		if got := status(t, handler); got != http.StatusServiceUnavailable {
			t.Fatalf("after a reload: %d", got)
		}
		next.Start()
		before.Release()
		before, h = next, handler
	}
	if n := runtime.NumGoroutine(); n > idle+5 {
		t.Errorf("%d goroutines before 100 reloads, %d after", idle, n)
	}
	sick.Store(0)
	eventually(t, "it is used again", func() bool { return status(t, h) == http.StatusOK })
	n := checks.Load()
	time.Sleep(time.Second)
	if per := checks.Load() - n; per > 15 {
		t.Errorf("%d checks in a second, of one every 100 ms", per)
	}
	if lines := strings.Count(logs.text(), "healthy"); lines != 2 {
		t.Errorf("%d lines about two changes:\n%s", lines, logs.text())
	}
	before.Release()
	n = checks.Load()
	time.Sleep(300 * time.Millisecond)
	if late := checks.Load() - n; late > 1 {
		t.Errorf("%d checks after the last lease is given back", late)
	}
}

func TestNothingIsCheckedBeforeItServes(t *testing.T) {
	var checks atomic.Int64
	address := backend(t, func(http.ResponseWriter, *http.Request) { checks.Add(1) })
	pools := upstream.NewPools()
	running(t, pools)
	lease := pools.Lease()
	handlerOver(t, lease, checked(address))
	time.Sleep(250 * time.Millisecond)
	lease.Release()
	if n := checks.Load(); n != 0 {
		t.Errorf("%d checks for a configuration that was refused", n)
	}
}

// log collects what is logged.
type log struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestARealUpstreamIsAskedAsWritten(t *testing.T) {
	seen := make(chan string, 100)
	address := backend(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path == "/start" {
			http.Redirect(w, r, "http://elsewhere.test/end", http.StatusTemporaryRedirect)
			return
		}
		select {
		case seen <- strings.Join([]string{r.Method, r.URL.RequestURI(), r.Host, r.Header.Get("X-A"), string(body)}, " "):
		default:
		}
		_, _ = io.WriteString(w, "fine")
	})
	cfg := to(address)
	cfg.ActiveHealth = &upstream.ActiveHealth{
		URI: "/start", Method: "POST", RequestBody: "hello", Body: "^fine$", FollowRedirects: true,
		Headers: http.Header{"Host": {"app.test"}, "X-A": {"a"}},
	}
	pools := upstream.NewPools()
	running(t, pools)
	lease := pools.Lease()
	t.Cleanup(lease.Release)
	handlerOver(t, lease, cfg)
	lease.Start()
	if got := <-seen; got != "POST /end elsewhere.test a hello" {
		t.Errorf("asked %q", got)
	}
}
