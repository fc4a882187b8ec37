package proxy_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"dwaar/proxy/accesslog"
	"dwaar/proxy/handler"
	"dwaar/proxy/match"
)

func TestRequestsAreCountedByListenerAndClass(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	slow := backend(t, func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		_, _ = io.WriteString(w, "done")
	})
	cfg := plain(handler.Chain{
		{Match: &match.Set{Path: match.Path{"/metrics"}}, Directive: handler.Metrics{}},
		{Match: &match.Set{Path: match.Path{"/slow"}}, Directive: proxyTo(slow)[0].Directive},
		{Match: &match.Set{Path: match.Path{"/gone"}}, Directive: handler.Abort{}},
		{Match: &match.Set{Path: match.Path{"/ok"}}, Directive: handler.Respond{Body: "ok"}},
	})
	cfg.Metrics = true
	server := start(t, cfg)
	registry := prometheus.NewRegistry()
	for _, c := range server.Collectors() {
		registry.MustRegister(c)
	}
	client := server.client(loopback)
	if response, _ := get(t, client, "http://a.test/metrics"); response.StatusCode != http.StatusNotFound {
		t.Errorf("metrics that nobody shows: %s", response.Status)
	}
	server.SetMetrics(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	get(t, client, "http://a.test/ok")
	get(t, client, "http://a.test/ok")
	if response, err := client.Get("http://a.test/gone"); err == nil {
		_ = response.Body.Close()
		t.Error("abort answered")
	}
	done := make(chan struct{})
	go func() { defer close(done); get(t, client, "http://a.test/slow") }()
	<-entered
	_, text := get(t, client, "http://a.test/metrics")
	close(release)
	<-done
	for _, want := range []string{
		`dwaar_http_requests_total{code="2xx",listener="127.0.0.1:0"} 2`,
		`dwaar_http_requests_total{code="4xx",listener="127.0.0.1:0"} 1`,
		`dwaar_http_requests_total{code="none",listener="127.0.0.1:0"} `,
		`dwaar_http_requests_in_flight{listener="127.0.0.1:0"} 2`,
		`dwaar_http_request_duration_seconds_count{code="2xx",listener="127.0.0.1:0"} 2`,
		"dwaar_access_log_lost_total 0",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	cfg.Metrics = false
	server.apply(cfg)
	if _, text = get(t, client, "http://a.test/metrics"); strings.Contains(text, "dwaar_http_requests") {
		t.Errorf("requests are still shown:\n%s", text)
	}
}

func TestSkippedRequestsAreInNoAccessLog(t *testing.T) {
	path := t.TempDir() + "/access.log"
	cfg := plain(handler.Chain{
		{Match: &match.Set{Path: match.Path{"/health"}}, Directive: handler.LogSkip{}},
		{Directive: handler.Respond{Body: "ok"}},
	})
	cfg.Listeners[0].Sites[0].Logs = []accesslog.Config{{Output: path}}
	server := start(t, cfg)
	for _, uri := range []string{"/health", "/other", "/health"} {
		get(t, server.client(loopback), "http://a.test"+uri)
	}
	server.stop()
	if got := recorded(t, path); len(got) != 1 || got[0]["request"].(map[string]any)["uri"] != "/other" {
		t.Errorf("records = %v", got)
	}
}
