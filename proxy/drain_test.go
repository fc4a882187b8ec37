package proxy_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dwaar/proxy"
)

func TestStoppingLetsRequestsFinish(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	upstream := backend(t, func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		_, _ = io.WriteString(w, "finished")
	})
	server := start(t, plain(proxyTo(upstream)))
	conn := server.dial(loopback)
	conn.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
	<-entered
	stopped := make(chan struct{})
	go func() {
		server.stop()
		close(stopped)
	}()
	select {
	case <-stopped:
		t.Error("the server stopped over a request")
	case <-time.After(400 * time.Millisecond):
	}
	close(release)
	if _, got := conn.answer(); got != "finished" {
		t.Errorf("answer = %q", got)
	}
	<-stopped
	conn.ended()
}

func TestGracePeriodEndsWhatDoesNotFinish(t *testing.T) {
	gone := make(chan struct{})
	upstream := backend(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(gone)
	})
	cfg := plain(proxyTo(upstream))
	cfg.GracePeriod = 300 * time.Millisecond
	server := start(t, cfg)
	conn := server.dial(loopback)
	conn.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
	response := conn.response()
	server.stop()
	if rest, err := io.ReadAll(response.Body); err == nil {
		t.Errorf("the stream ended as if complete: %q", rest)
	}
	<-gone
}

func TestStoppingUnderLoadFailsNoRequestThatWasAccepted(t *testing.T) {
	for name, cfg := range map[string]proxy.Config{"http": plain(respond("ok")), "https": secure(respond("ok"))} {
		t.Run(name, func(t *testing.T) {
			server := start(t, cfg)
			var load sync.WaitGroup
			var done atomic.Int64
			for range 4 {
				client := server.client(loopback)
				load.Go(func() { postUntilRefused(t, client, name+"://a.test/", &done) })
			}
			eventually(t, "load", func() bool { return done.Load() > 100 })
			server.stop()
			load.Wait()
		})
	}
}

// postUntilRefused posts until there is nobody to connect to; any other
// failure is one.
func postUntilRefused(t *testing.T, client *http.Client, url string, done *atomic.Int64) {
	for {
		response, err := client.Post(url, "text/plain", strings.NewReader("x"))
		if err != nil {
			if !strings.Contains(err.Error(), "dial tcp") {
				t.Errorf("request %d: %v", done.Load(), err)
			}
			return
		}
		if got := body(t, response); got != "ok" {
			t.Errorf("answer = %q", got)
		}
		done.Add(1)
	}
}

func TestIdleConnectionsDoNotHoldTheServer(t *testing.T) {
	server := start(t, plain(respond("x")))
	idle := server.dial(loopback)
	idle.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
	idle.answer()
	began := time.Now()
	server.stop()
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("stopping took %v", took)
	}
	idle.ended()
}
