package server_test

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dwaar/cmd/dwaar/internal/server"
	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
	"dwaar/proxy/admin"
)

// house is a CA with a responder, a leaf in files, and room for a Dwaarfile.
type house struct {
	ca        *ocsptest.CA
	responder *ocsptest.Responder
	url       string
	dir       string
	port      string
	log       *lines
}

func newHouse(t testing.TB) *house {
	t.Helper()
	ca := ocsptest.NewCA(t)
	h := &house{ca: ca, responder: ocsptest.NewResponder(t, ca), dir: t.TempDir(), port: freePort(t), log: &lines{out: t.Output()}}
	h.url = h.responder.Start(t)
	return h
}

// leaf writes NAME.pem and NAME.key of a leaf for name.
func (h *house) leaf(t testing.TB, name string, opts ...ocsptest.Option) *ocsptest.Leaf {
	t.Helper()
	leaf := h.ca.Leaf(t, append([]ocsptest.Option{ocsptest.Names(name), ocsptest.OCSP(h.url)}, opts...)...)
	leaf.Write(t, h.dir, name)
	return leaf
}

// write makes a Dwaarfile of global options and sites; each site has the files of its name.
func (h *house) write(t testing.TB, globals, ocsp string, sites ...string) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "{\n\thttps_port %s\n\tdefault_bind 127.0.0.1\n\tauto_https disable_redirects\n%s\n\tocsp {\n\t\tallow 127.0.0.0/8\n%s\n\t}\n}\n", h.port, globals, ocsp)
	for _, name := range sites {
		fmt.Fprintf(&b, "%s {\n\ttls %s.pem %s.key\n\trespond \"this is %s\"\n}\n", name, name, name, name)
	}
	return ocsptest.WriteFile(t, h.dir, "Dwaarfile", []byte(b.String()))
}

func (h *house) data() string { return filepath.Join(h.dir, "data") }

// start runs a server from the Dwaarfile until the test ends or stop is called.
func (h *house) start(t testing.TB) (srv *server.Server, stop func()) {
	t.Helper()
	ready := make(chan struct{})
	options := h.options()
	options.Ready = func() { close(ready) }
	srv, err := server.New(options)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- srv.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	select {
	case <-ready:
	case err := <-ended:
		ended <- err
		t.Fatalf("Run: %v", err)
	case <-time.After(20 * time.Second):
		t.Fatal("not ready after 20 s")
	}
	return srv, stop
}

// handshake is what a client that trusts the CA gets for name.
func (h *house) handshake(name string) (staple []byte, err error) {
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", "127.0.0.1:"+h.port,
		&tls.Config{ServerName: name, RootCAs: h.ca.Pool()})
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.OCSPResponse(), nil
}

// stapled fails unless leaf is served under name with a good staple of its own,
// which it returns.
func (h *house) stapled(t testing.TB, name string, leaf *ocsptest.Leaf) []byte {
	t.Helper()
	staple, err := h.handshake(name)
	if err != nil {
		t.Fatalf("handshake for %s: %v", name, err)
	}
	response, err := ocspsvc.ParseResponse(staple)
	if err != nil {
		t.Fatalf("staple of %s: %v", name, err)
	}
	verdict, err := ocspsvc.Verify(response, leaf.Chain()[0], leaf.Chain()[1], time.Now(), ocspsvc.VerifyOptions{})
	if err != nil || verdict.Status != ocspsvc.Good {
		t.Fatalf("staple of %s: %v, %v", name, verdict.Reason, err)
	}
	return staple
}

// bare fails unless name is served without a staple.
func (h *house) bare(t testing.TB, name string) {
	t.Helper()
	if staple, err := h.handshake(name); err != nil || staple != nil {
		t.Errorf("handshake for %s: a staple of %d bytes, %v; want none", name, len(staple), err)
	}
}

func (h *house) options() server.Options {
	return server.Options{
		ConfigPath: filepath.Join(h.dir, "Dwaarfile"), DataDir: h.data(), Version: "test", Stdout: h.log, Stderr: h.log,
	}
}

// admin asks the door, as the commands do.
func (h *house) admin(t testing.TB, method, path string) []byte {
	t.Helper()
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(h.data(), admin.SocketName))
		},
	}}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://dwaar"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func (h *house) status(t testing.TB) (s admin.Status) {
	t.Helper()
	if err := json.Unmarshal(h.admin(t, "GET", "/status"), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// lines is a log that many write and a test reads.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
	out  io.Writer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(b)
	return l.out.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func freePort(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// eventually waits for something that happens in the background.
func (h *house) eventually(t testing.TB, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !happened(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(20 * time.Millisecond) // a real process' time; there is no bubble around sockets
	}
}

// refusesReload fails unless srv refuses the Dwaarfile as it is, for a reason with
// all words.
func refusesReload(t testing.TB, srv *server.Server, words ...string) {
	t.Helper()
	err := srv.Reload(t.Context())
	for _, word := range words {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("Reload = %v, want %s", err, word)
		}
	}
	if err != nil && strings.Contains(err.Error(), "pass@") {
		t.Errorf("the error has a password: %v", err)
	}
}

// refused fails unless the Dwaarfile as it is cannot be served, for a reason with all words.
func (h *house) refused(t testing.TB, words ...string) {
	t.Helper()
	_, err := server.New(h.options())
	if err == nil {
		t.Errorf("New accepts it, want an error with %q", words)
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("New = %v, want %q in it", err, word)
		}
	}
}

// list is a CRL of a CA on a server.
type list struct {
	ca  *ocsptest.CA
	url string
	der atomic.Pointer[[]byte]
}

func newList(t testing.TB, ca *ocsptest.CA) *list {
	t.Helper()
	l := &list{ca: ca}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(*l.der.Load()) }))
	t.Cleanup(srv.Close)
	l.url = srv.URL + "/ca.crl"
	return l
}

// revoke publishes a list that names leaf.
func (l *list) revoke(t testing.TB, leaf *ocsptest.Leaf) {
	t.Helper()
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(1), ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: time.Now().Add(time.Hour),
		RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: leaf.Cert.SerialNumber, RevocationTime: time.Now().Add(-time.Hour)}},
	}, l.ca.Cert, l.ca.Key)
	if err != nil {
		t.Fatal(err)
	}
	l.der.Store(&der)
}
