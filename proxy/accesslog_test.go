package proxy_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dwaar/proxy"
	"dwaar/proxy/accesslog"
	"dwaar/proxy/handler"
)

// lines are the recorded requests as "METHOD URI STATUS SIZE".
func recorded(t *testing.T, path string) []map[string]any {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []map[string]any
	for line := range strings.Lines(string(text)) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, record)
	}
	return all
}

func TestAccessLogRecordsWhatTheClientSentAndGot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	dying := rawBackend(t, func(c *raw) {
		_, _ = http.ReadRequest(c.r)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
	})
	routes := handler.Chain{
		{Directive: handler.RequestHeader{Ops: []handler.HeaderOp{{Op: "set", Field: "User-Agent", Value: "changed"}, {Op: "set", Field: "Host", Value: "changed"}}}},
		{Directive: handler.HandlePath{Path: "/dies/*", Routes: proxyTo(dying)}},
		{Directive: handler.HandlePath{Path: "/up/*", Routes: proxyTo(echo(t))}},
		{Directive: handler.HandlePath{Path: "/ok/*", Routes: respond("fine")}},
	}
	cfg := proxy.Config{Listeners: []proxy.Listener{{Address: loopback, TLS: true, Sites: []proxy.Site{
		{Hosts: []string{"logged.test"}, Routes: routes, Logs: []accesslog.Config{{Output: path}}},
		{Hosts: []string{"quiet.test"}, Routes: routes},
	}}}}
	server := start(t, cfg)
	client := server.client(loopback)
	client.Transport.(*http.Transport).ForceAttemptHTTP2 = false
	client.Transport.(*http.Transport).DisableKeepAlives = true // nothing is tried again
	for _, url := range []string{"https://logged.test/ok/x?q=1", "https://quiet.test/ok/x", "https://logged.test/nothing"} {
		get(t, client, url)
	}
	if response, err := client.Get("https://logged.test/dies/x"); err == nil {
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}
	server.stop()
	want := []struct {
		uri    string
		status float64
		size   float64
	}{{"/ok/x?q=1", 200, 4}, {"/nothing", 404, 10}, {"/dies/x", 200, 4}}
	got := recorded(t, path)
	if len(got) != len(want) {
		t.Fatalf("records = %v", got)
	}
	for i, w := range want {
		request := got[i]["request"].(map[string]any)
		if request["uri"] != w.uri || got[i]["status"] != w.status || got[i]["size"] != w.size || request["client_ip"] != "127.0.0.1" ||
			request["host"] != "logged.test" || fmt.Sprint(request["headers"].(map[string]any)["User-Agent"]) != "[Go-http-client/1.1]" ||
			request["tls"].(map[string]any)["server_name"] != "logged.test" {
			t.Errorf("record %d = %v, want %+v", i, got[i], w)
		}
	}
}

func TestAccessLogRecordsAnUpgradeAs101(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	cfg := plain(proxyTo(echo(t)))
	cfg.Listeners[0].Sites[0].Logs = []accesslog.Config{{Output: path}}
	server := start(t, cfg)
	conn := server.dial(loopback)
	conn.send("GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	conn.response()
	_ = conn.Close()
	server.stop()
	if got := recorded(t, path); len(got) != 1 || got[0]["status"] != 101.0 {
		t.Errorf("records = %v", got)
	}
}

func TestAccessLogRecordsAClientThatLeftAs499(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	entered := make(chan struct{})
	cfg := plain(proxyTo(backend(t, func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
	})))
	cfg.Listeners[0].Sites[0].Logs = []accesslog.Config{{Output: path}}
	server := start(t, cfg)
	conn := server.dial(loopback)
	conn.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
	<-entered
	_ = conn.Close()
	server.stop()
	if got := recorded(t, path); len(got) != 1 || got[0]["status"] != 499.0 {
		t.Errorf("records = %v", got)
	}
}

func TestAccessLogThatCannotBeOpenedRefusesTheConfiguration(t *testing.T) {
	server := start(t, plain(respond("x")))
	cfg := plain(respond("y"))
	cfg.Listeners[0].Sites[0].Logs = []accesslog.Config{{Output: "/nowhere/access.log"}}
	if _, err := server.Prepare(cfg, nil); err == nil || !strings.Contains(err.Error(), "/nowhere/access.log") {
		t.Errorf("Prepare = %v", err)
	}
	cfg.Listeners[0].Sites[0].Logs[0].Output = "relative"
	if err := cfg.Check(); err == nil || !strings.Contains(err.Error(), `"relative" is not`) {
		t.Errorf("Check = %v", err)
	}
}

func TestAccessLogRecordsWhatWasReadAndNoCredentials(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	up := backend(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Set-Cookie", "session=secret")
	})
	cfg := secure(proxyTo(up))
	cfg.Listeners[0].Sites[0].Logs = []accesslog.Config{{Output: path}, {Output: path, Name: "again"}}
	server := start(t, cfg)
	for _, client := range []*http.Client{server.client(loopback), server.client3(loopback)} {
		response, err := client.Post("https://a.test", "text/plain", strings.NewReader("hello"))
		if err != nil {
			t.Fatal(err)
		}
		_ = body(t, response)
	}
	server.stop()
	got := recorded(t, path)
	if len(got) != 4 {
		t.Fatalf("records = %v", got)
	}
	for i, line := range got {
		if line["bytes_read"] != 5.0 || fmt.Sprint(line["resp_headers"].(map[string]any)["Set-Cookie"]) != "[REDACTED]" {
			t.Errorf("record %d = %v", i, line)
		}
		if want := []string{"http.log.access", "http.log.access.again"}[i%2]; line["logger"] != want {
			t.Errorf("record %d is of %v, want %s", i, line["logger"], want)
		}
	}
}
