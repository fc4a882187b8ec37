package proxy_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"dwaar/proxy/handler"
	"dwaar/proxy/upstream"
)

// Checks begin with the commit, their outcome outlives reloads, and they end
// with the server, which start looks at.
func TestUpstreamsAreCheckedWhileTheServerRuns(t *testing.T) {
	var checks atomic.Int64
	sick := backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/health" {
			checks.Add(1)
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	cfg := plain(handler.Chain{{Directive: handler.ReverseProxy{Config: upstream.Config{
		Upstreams:    []string{sick},
		ActiveHealth: &upstream.ActiveHealth{URI: "/health", Interval: 100 * time.Millisecond},
	}}}})
	server := start(t, cfg)
	url := "http://" + server.addr(loopback)
	status := func() int {
		response, _ := get(t, http.DefaultClient, url)
		return response.StatusCode
	}
	eventually(t, "a 503", func() bool { return status() == http.StatusServiceUnavailable })
	for range 20 {
		server.apply(cfg)
		if got := status(); got != http.StatusServiceUnavailable {
			t.Fatalf("after a reload: %d", got)
		}
	}
	if all := server.Upstreams().Status(); len(all) != 1 || all[0].Healthy {
		t.Errorf("upstreams = %+v", all)
	}
	server.apply(plain(proxyTo(sick)))
	if got := status(); got != http.StatusOK {
		t.Errorf("without checks: %d", got)
	}
	time.Sleep(1200 * time.Millisecond) // the old configuration is given back
	n := checks.Load()
	time.Sleep(300 * time.Millisecond)
	if late := checks.Load() - n; late > 0 {
		t.Errorf("%d checks that nobody asks for any more", late)
	}
}
