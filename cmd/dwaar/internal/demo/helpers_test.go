package demo_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dwaar/cmd/dwaar/internal/demo"
	"dwaar/ocspsvc"
)

// page is what the demo prints, readable while it runs.
type page struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (p *page) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *page) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

func (p *page) await(t *testing.T, want string) {
	t.Helper()
	for range 500 {
		if strings.Contains(p.String(), want) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("the demo never said %q:\n%s", want, p)
}

// ports are those of ports.json.
type ports struct{ HTTP, HTTPS, Upstream, Responder int }

func readPorts(t *testing.T, dir string) (p ports) {
	t.Helper()
	if err := json.Unmarshal(read(t, dir, "ports.json"), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func certificates(t *testing.T, dir, name string) (certs []*x509.Certificate) {
	t.Helper()
	for block, rest := pem.Decode(read(t, dir, name)); block != nil; block, rest = pem.Decode(rest) {
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		certs = append(certs, cert)
	}
	return certs
}

// start runs the demo in dir over serve. The returned stop ends it and gives its error.
func start(t *testing.T, dir string, serve func(ctx context.Context, config, data string) error) (out *page, stop func() error) {
	t.Helper()
	out = &page{}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- demo.Run(ctx, demo.Options{
			Dir: dir, Command: "dwaar", Stdout: out, Serve: serve, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		})
	}()
	stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { _ = stop() })
	return out, stop
}

// staplingProxy serves the demo's certificate with whatever its responder says.
func staplingProxy(t *testing.T, dir string) func(ctx context.Context, config, data string) error {
	return func(ctx context.Context, _, _ string) error {
		_, staple := ask(t, dir, http.MethodPost)
		return serveTLS(ctx, t, dir, staple)
	}
}

func serveTLS(ctx context.Context, t *testing.T, dir string, staple []byte) error {
	cert, err := tls.LoadX509KeyPair(filepath.Join(dir, "localhost.pem"), filepath.Join(dir, "localhost.key"))
	if err != nil {
		return err
	}
	cert.OCSPStaple = staple
	ln, err := tls.Listen("tcp", local(readPorts(t, dir).HTTPS), &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: http.NotFoundHandler(), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	go func() { _ = srv.Serve(ln) }()
	<-ctx.Done()
	return srv.Close()
}

// barren serves nothing at all.
func barren(ctx context.Context, _, _ string) error {
	<-ctx.Done()
	return nil
}

func local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// ask asks the demo's responder about its leaf and verifies the answer.
func ask(t *testing.T, dir, method string) (ocspsvc.Verdict, []byte) {
	t.Helper()
	chain := certificates(t, dir, "localhost.pem")
	id, err := ocspsvc.NewCertID(chain[0], chain[1], 5) // crypto.SHA1
	if err != nil {
		t.Fatal(err)
	}
	raw := send(t, chain[0].OCSPServer[0], method, request(t, id))
	r, err := ocspsvc.ParseResponse(raw)
	if err != nil {
		t.Fatal(err)
	}
	v, err := ocspsvc.Verify(r, chain[0], chain[1], time.Now(), ocspsvc.VerifyOptions{})
	if err != nil {
		t.Fatalf("the responder's answer: %v", err)
	}
	return v, raw
}

func request(t *testing.T, ids ...ocspsvc.CertID) []byte {
	t.Helper()
	der, err := (&ocspsvc.Request{CertIDs: ids}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func send(t *testing.T, url, method string, der []byte) []byte {
	t.Helper()
	body, status := exchange(t, url, method, der)
	if status != http.StatusOK {
		t.Fatalf("the responder answers %d %s", status, body)
	}
	return body
}

func exchange(t *testing.T, url, method string, der []byte) ([]byte, int) {
	t.Helper()
	var body io.Reader = bytes.NewReader(der)
	if method == http.MethodGet {
		url, body = url+"/"+escape(der), nil
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return got, resp.StatusCode
}
