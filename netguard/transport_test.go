package netguard_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/netguard"
)

func get(ctx context.Context, rt http.RoundTripper, url string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	return rt.RoundTrip(req)
}

func TestTransportRefusesBlockedAddressesAndServesAllowedOnes(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }))
	defer server.Close()
	_, err := get(t.Context(), newGuard(t, nil).Transport(), server.URL)
	if blocked := new(netguard.BlockedError); !errors.As(err, &blocked) {
		t.Errorf("unallowed loopback server: %v, want a *BlockedError", err)
	}
	resp, err := get(t.Context(), newGuard(t, []string{"127.0.0.0/8"}).Transport(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); string(body) != "hello" {
		t.Errorf("body = %q", body)
	}
}

func TestTransportIgnoresTheProxiesOfTheEnvironment(t *testing.T) {
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} {
		t.Setenv(name, "http://8.8.4.4:3128")
	}
	for url, want := range map[string]string{"http://ocsp.example/": "8.8.8.8:80", "https://ocsp.example/": "8.8.8.8:443"} {
		dialer := &recordingDialer{}
		g := rigged(t, answering(addrs("8.8.8.8")), dialer)
		get(t.Context(), g.Transport(), url)
		wantDialled(t, dialer, want)
		if g.Transport().Proxy != nil {
			t.Error("Transport has a Proxy function")
		}
	}
}

func TestTransportHandsBodiesOverAsTheyCame(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "" {
			t.Errorf("asked for %q", r.Header.Get("Accept-Encoding"))
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		z.Write(make([]byte, 1<<20))
		z.Close()
	}))
	defer server.Close()
	resp, err := get(t.Context(), newGuard(t, []string{"127.0.0.1"}).Transport(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); len(body) > 10_000 {
		t.Errorf("%d bytes: the body was decompressed", len(body))
	}
}

func TestTransportBoundsTheHeader(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("x", 64<<10))
	}))
	defer server.Close()
	if _, err := get(t.Context(), newGuard(t, []string{"127.0.0.1"}).Transport(), server.URL); err == nil {
		t.Error("a header of 64 KiB is accepted")
	}
}

// pipeServer answers requests on a pipe with an empty 200 and would go on.
func pipeServer() netguard.Option {
	return netguard.WithDialer(func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			defer far.Close()
			requests := bufio.NewReader(far)
			for {
				if _, err := http.ReadRequest(requests); err != nil {
					return
				}
				io.WriteString(far, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			}
		}()
		return near, nil
	})
}

// A bubble does not end before its goroutines, so these tests also prove that
// none is left.
func TestTransportLeavesNoConnectionBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(t, nil, netguard.WithResolver(answering(addrs("8.8.8.8"))), pipeServer())
		resp, err := get(t.Context(), g.Transport(), "http://ocsp.example/")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	})
}

func TestTransportWithinEndsEverythingWithItsContext(t *testing.T) {
	hang := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	accept := func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go io.Copy(io.Discard, far)
		return near, nil
	}
	for _, tt := range []struct {
		name, url string
		dial      func(context.Context, string, string) (net.Conn, error)
	}{
		{"dial hangs", "http://ocsp.example/", hang},
		{"response hangs", "http://ocsp.example/", accept},
		{"TLS handshake hangs", "https://ocsp.example/", accept},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGuard(t, nil, netguard.WithResolver(answering(addrs("8.8.8.8"))), netguard.WithDialer(tt.dial))
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				start := time.Now()
				if _, err := get(ctx, g.TransportWithin(ctx), tt.url); err == nil {
					t.Error("got a response")
				}
				synctest.Wait()
				if took := time.Since(start); took != time.Second {
					t.Errorf("ended after %v, want 1s", took)
				}
			})
		})
	}
}
