package proxy_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"dwaar/proxy"
)

// Clients that send a byte now and then, in the header or in the body, are gone when their
// time is over, and meanwhile others are served.
func TestSlowClientsHoldNobodyUp(t *testing.T) {
	up := backend(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "ok")
	})
	cfg := plain(proxyTo(up))
	cfg.Timeouts = proxy.Timeouts{ReadHeader: 500 * time.Millisecond, ReadBody: 500 * time.Millisecond}
	server := start(t, cfg)
	const each = 100
	var slow sync.WaitGroup
	for i := range 2 * each {
		begin := "GET /first HTTP/1.1\r\nHost: a.test\r\n"
		if i < each {
			begin = fmt.Sprintf("POST /first HTTP/1.1\r\nHost: a.test\r\nContent-Length: %d\r\n\r\n", 1000)
		}
		slow.Go(func() {
			if took := trickle(t, server.addr(loopback), begin); took > 10*time.Second {
				t.Errorf("a slow client was served for %v", took)
			}
		})
	}
	client := server.client(loopback)
	client.Timeout = 5 * time.Second
	for range 20 {
		if response, text := get(t, client, "http://a.test/first"); text != "ok" {
			t.Errorf("another client got %s", response.Status)
		}
	}
	slow.Wait()
}

// trickle sends begin and then a byte every 20 ms, until the server hangs up.
func trickle(t *testing.T, addr, begin string) time.Duration {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer conn.Close()
	began := time.Now()
	_ = conn.SetDeadline(began.Add(15 * time.Second))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, conn)
	}()
	_, _ = io.WriteString(conn, begin)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return time.Since(began)
		case <-tick.C:
			_, _ = io.WriteString(conn, "x")
		}
	}
}
