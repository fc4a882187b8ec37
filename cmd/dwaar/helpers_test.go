package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"dwaar/ocspsvc/ocsptest"
	"dwaar/proxy/admin"
)

// told is how a command went.
type told struct {
	code        int
	out, errors string
}

// dwaar runs a command in this process.
func dwaar(t *testing.T, args ...string) told {
	t.Helper()
	return dwaarReading(t, "", args...)
}

// dwaarReading runs a command with text on its standard input.
func dwaarReading(t *testing.T, text string, args ...string) told {
	t.Helper()
	var out, errors bytes.Buffer
	code := Main(args, strings.NewReader(text), &out, &errors)
	return told{code, out.String(), errors.String()}
}

// expect fails unless the command ended with code and told all words.
func (r told) expect(t *testing.T, code int, words ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d\n%s%s", r.code, code, r.out, r.errors)
	}
	for _, word := range words {
		if !strings.Contains(r.out+r.errors, word) {
			t.Errorf("does not say %q:\n%s%s", word, r.out, r.errors)
		}
	}
}

// keys are the keys of a JSON object, in order of appearance.
func keys(t *testing.T, object string) (found []string) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(object))
	if _, err := d.Token(); err != nil {
		t.Fatalf("%v in %s", err, object)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, key.(string))
		var skipped json.RawMessage
		if err := d.Decode(&skipped); err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// verdictOf reads a verdict and checks that it has the contract's keys.
func verdictOf(t *testing.T, r told) (v struct {
	Valid          bool
	Status, Reason string
}) {
	t.Helper()
	want := []string{"valid", "status", "reason", "this_update", "next_update", "produced_at", "revoked_at", "revocation_reason", "responder"}
	if got := keys(t, r.out); !reflect.DeepEqual(got, want) {
		t.Errorf("keys of the verdict = %q, want %q", got, want)
	}
	if err := json.Unmarshal([]byte(r.out), &v); err != nil {
		t.Fatalf("%v in %s", err, r.out)
	}
	return v
}

// expectVerdict runs a command with --json and compares its verdict.
func expectVerdict(t *testing.T, reason string, args ...string) {
	t.Helper()
	r := dwaar(t, append(args, "--json")...)
	v := verdictOf(t, r)
	code := 1
	if reason == "good" {
		code = 0
	}
	status := ""
	if reason == "good" || reason == "revoked" || reason == "unknown" {
		status = reason
	}
	if v.Reason != reason || v.Status != status || v.Valid != (status != "") || r.code != code {
		t.Errorf("dwaar %s: %d %+v, want %d and reason %s, status %q\n%s", strings.Join(args, " "), r.code, v, code, reason, status, r.errors)
	}
	if refusal := status == ""; refusal != (r.errors != "") {
		t.Errorf("dwaar %s: a %s verdict says on stderr %q", strings.Join(args, " "), reason, r.errors)
	}
}

// house is a CA with a responder, and a leaf in files.
type house struct {
	ca                   *ocsptest.CA
	responder            *ocsptest.Responder
	url                  string
	leaf                 *ocsptest.Leaf
	dir                  string
	chain, issuer, roots string
}

func newHouse(t *testing.T, opts ...ocsptest.Option) *house {
	t.Helper()
	h := &house{ca: ocsptest.NewCA(t), dir: t.TempDir()}
	h.responder = ocsptest.NewResponder(t, h.ca)
	h.url = h.responder.Start(t)
	h.leaf = h.ca.Leaf(t, append([]ocsptest.Option{ocsptest.OCSP(h.url)}, opts...)...)
	h.chain, _ = h.leaf.Write(t, h.dir, "leaf")
	h.issuer = h.certificates(t, "issuer.pem", h.ca.Cert)
	h.roots = h.certificates(t, "roots.pem", h.ca.Root.Cert)
	return h
}

func (h *house) certificates(t *testing.T, name string, certs ...*x509.Certificate) string {
	t.Helper()
	return ocsptest.WriteFile(t, h.dir, name, ocsptest.CertPEM(certs...))
}

// serveTLS serves cert on a loopback port.
func serveTLS(t *testing.T, cert tls.Certificate) string {
	t.Helper()
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.NotFoundHandler(), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close() })
	return ln.Addr().String()
}

// runningDwaar is a controller behind a real admin socket.
type runningDwaar struct {
	status  admin.Status
	reload  error
	refresh func(fingerprint string) (admin.Outcome, error)
	replace error // of Renew and Reissue

	mu       sync.Mutex
	replaced []string
	reloads  []string
	stopped  bool
	end      context.CancelFunc // of the door
}

func (r *runningDwaar) Status() admin.Status  { return r.status }
func (r *runningDwaar) Ready() error          { return nil }
func (r *runningDwaar) Metrics() http.Handler { return http.NotFoundHandler() }

func (r *runningDwaar) ReloadFile(_ context.Context, path string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reloads = append(r.reloads, path)
	return r.reload
}

func (r *runningDwaar) Stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
	r.end()
}

func (r *runningDwaar) Refresh(_ context.Context, fingerprint string) (admin.Outcome, error) {
	return r.refresh(fingerprint)
}

func (r *runningDwaar) Renew(_ context.Context, name string) error {
	return r.replacing("renew " + name)
}

func (r *runningDwaar) Reissue(_ context.Context, name string) error {
	return r.replacing("reissue " + name)
}

func (r *runningDwaar) replacing(what string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.replaced = append(r.replaced, what)
	return r.replace
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// running serves one, with $DWAAR_DATA pointing to it.
func running(t *testing.T) *runningDwaar {
	t.Helper()
	r := &runningDwaar{status: admin.Status{
		Version: "v1.2.3", Started: noon, Config: "/etc/Dwaarfile", Listeners: []string{":443"}, Ready: true,
		Certificates: []admin.Certificate{
			{
				Names: []string{"a.example", "b.example", "c.example", "d.example"}, Source: "manual", Issuer: "CN=Inter", Serial: "0a", Fingerprint: "aa11",
				NotBefore: noon, NotAfter: noon.Add(time.Hour), MustStaple: true,
				Staple: admin.Staple{State: "fresh", Reason: "good", ThisUpdate: noon, NextUpdate: noon.Add(2 * time.Hour), LastError: "timeout: \x1b[31mno\nanswer", Responder: "CN=OCSP"},
			},
			{Names: []string{"bare.example"}, Source: "manual", Fingerprint: "bb22", Staple: admin.Staple{State: "none", Reason: "no_responder"}},
		},
	}}
	dir, err := os.MkdirTemp("", "dwaar")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	t.Setenv("DWAAR_DATA", dir)
	serveAdmin(t, admin.Config{Listen: admin.DefaultListen(dir)}, r)
	return r
}

func serveAdmin(t *testing.T, cfg admin.Config, r *runningDwaar) {
	t.Helper()
	srv, err := admin.New(cfg, r, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.mu.Lock()
	r.end = cancel
	r.mu.Unlock()
	done := make(chan struct{})
	go func() { _ = srv.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
}

func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func in(dir, name string) string { return filepath.Join(dir, name) }
