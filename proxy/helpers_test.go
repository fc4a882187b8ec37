package proxy_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"dwaar/proxy"
	"dwaar/proxy/handler"
	"dwaar/proxy/upstream"
)

// loopback is an address with a free port.
const loopback = "127.0.0.1:0"

// running is a server under test.
type running struct {
	*proxy.Server
	t    *testing.T
	tls  *tls.Config
	stop func() // ends Run and waits for it
}

// start serves cfg until the test ends, and then looks for goroutines that
// were left behind.
func start(t *testing.T, cfg proxy.Config) *running {
	t.Helper()
	return startLogging(t, cfg, t.Output())
}

func startLogging(t *testing.T, cfg proxy.Config, output io.Writer) *running {
	t.Helper()
	before := runtime.NumGoroutine()
	log := slog.New(slog.NewTextHandler(output, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r := &running{Server: proxy.New(log), t: t, tls: certificate(t)}
	r.apply(cfg)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	r.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v", err)
		}
		ended <- nil
	}
	t.Cleanup(func() {
		r.stop()
		http.DefaultClient.CloseIdleConnections()
		noMoreGoroutinesThan(t, before)
	})
	return r
}

// noMoreGoroutinesThan gives goroutines that are ending a moment to do so.
func noMoreGoroutinesThan(t *testing.T, before int) {
	t.Helper()
	for range 200 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	stacks := make([]byte, 1<<20)
	t.Errorf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
}

func (r *running) apply(cfg proxy.Config) {
	r.t.Helper()
	prepared, err := r.Prepare(cfg, func(string) *tls.Config { return r.tls })
	if err != nil {
		r.t.Fatal(err)
	}
	if err := prepared.Commit(); err != nil {
		r.t.Fatal(err)
	}
}

// addr is where the listener with this configured address listens.
func (r *running) addr(configured string) string { return r.Addr(configured).String() }

// client trusts the server's certificate and connects to it for every host.
func (r *running) client(configured string) *http.Client {
	addr := r.addr(configured)
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", addr)
		},
		TLSClientConfig:   &tls.Config{RootCAs: rootsOf(r.tls)},
		ForceAttemptHTTP2: true,
	}
	r.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// dial opens a raw connection.
func (r *running) dial(configured string) *raw {
	r.t.Helper()
	conn, err := net.Dial("tcp", r.addr(configured))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	return newRaw(r.t, conn)
}

// raw is a connection on which a test writes and reads HTTP by hand.
type raw struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

func newRaw(t *testing.T, conn net.Conn) *raw {
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	return &raw{conn, t, bufio.NewReader(conn)}
}

func (c *raw) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

// response reads the head of a response, and leaves its body to be read.
func (c *raw) response() *http.Response {
	c.t.Helper()
	response, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatalf("reading a response: %v", err)
	}
	return response
}

// answer reads a whole response.
func (c *raw) answer() (*http.Response, string) {
	c.t.Helper()
	response := c.response()
	return response, body(c.t, response)
}

// ended fails unless the server closes the connection.
func (c *raw) ended() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.r); err != nil && !strings.Contains(err.Error(), "reset") || len(rest) > 0 {
		c.t.Errorf("connection goes on: %q, %v", rest, err)
	}
}

func body(t *testing.T, response *http.Response) string {
	t.Helper()
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("reading a body: %v", err)
	}
	return string(text)
}

func get(t *testing.T, client *http.Client, url string) (*http.Response, string) {
	t.Helper()
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	return response, body(t, response)
}

// certificate is a TLS configuration for localhost and *.test.
func certificate(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "test"},
		DNSNames:              []string{"localhost", "*.test", "*.example.test"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}}}
}

func rootsOf(config *tls.Config) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(config.Certificates[0].Leaf)
	return pool
}

// backend starts an upstream and returns its address.
func backend(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = slog.NewLogLogger(slog.NewTextHandler(t.Output(), nil), slog.LevelInfo)
	server.Start()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// rawBackend starts an upstream that is written by hand.
func rawBackend(t *testing.T, serve func(*raw)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(newRaw(t, conn))
			}()
		}
	}()
	return listener.Addr().String()
}

func respond(text string) handler.Chain {
	return handler.Chain{{Directive: handler.Respond{Body: text}}}
}

func proxyTo(upstreams ...string) handler.Chain {
	return handler.Chain{{Directive: handler.ReverseProxy{Config: upstream.Config{Upstreams: upstreams}}}}
}

// plain is a configuration of one http listener for any host.
func plain(routes handler.Chain) proxy.Config {
	return proxy.Config{Listeners: []proxy.Listener{{Address: loopback, Sites: []proxy.Site{{Routes: routes}}}}}
}

// secure is a configuration of one https listener for any host.
func secure(routes handler.Chain) proxy.Config {
	cfg := plain(routes)
	cfg.Listeners[0].TLS = true
	return cfg
}

// eventually waits for something that other goroutines bring about.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 1000 {
		if ok() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Errorf("%s did not happen", what)
}

func redirectTo(port int) handler.Chain {
	return handler.Chain{{Directive: handler.HTTPSRedirect{Port: port}}}
}
