package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"dwaar/ocspsvc/ocsptest"
)

// standing is a command that serves without a Dwaarfile, in this process.
type standing struct {
	*served
	url, metrics string
}

// stand starts one on free ports and waits until it tells systemd that it is ready.
func stand(t *testing.T, args ...string) *standing {
	t.Helper()
	dir, err := os.MkdirTemp("", "dwaar") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	t.Setenv("NOTIFY_SOCKET", in(dir, "notify"))
	s := &standing{served: &served{t: t, address: freePort(t), out: &slowBuffer{}, code: make(chan int, 1)}, metrics: freePort(t)}
	s.url = "http://" + s.address
	if s.systemd, err = net.ListenPacket("unixgram", in(dir, "notify")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.systemd.Close() })
	args = append(args, "--listen", s.address, "--metrics", s.metrics)
	go func() { s.code <- Main(args, strings.NewReader(""), s.out, s.out) }()
	s.tells("READY=1")
	return s
}

// answering is a `dwaar responder`.
type answering struct {
	*standing
	*registry
}

// responder starts one over the registry's database; its signer is a delegate.
func (r *registry) responder(t *testing.T, args ...string) *answering {
	t.Helper()
	r.renew(t)
	return &answering{stand(t, append([]string{
		"responder", "--issuer", r.issuer, "--signer", in(r.dir, "ocsp.pem"), "--key", in(r.dir, "ocsp.key"), "--database", r.db,
	}, args...)...), r}
}

// renew gives the responder another signer.
func (r *registry) renew(t *testing.T) {
	t.Helper()
	d := r.ca.Delegate(t)
	ocsptest.WriteFile(t, r.dir, "ocsp.pem", ocsptest.CertPEM(d.Cert))
	ocsptest.WriteFile(t, r.dir, "ocsp.key", ocsptest.KeyPEM(t, d.Key, ocsptest.PKCS8))
}

func (a *standing) shows(path string) string {
	a.t.Helper()
	resp, err := http.Get("http://" + a.metrics + path)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return string(b)
}

func TestResponderFromFlagsAlone(t *testing.T) {
	r := newRegistry(t)
	file := r.leafFile
	r.run(t, "add", file).expect(t, 0)
	a := r.responder(t, "--validity", "2h", "--unissued", "unauthorized")
	// The answer comes within a second: what was read last is trusted for as long.
	fetch := func(code int, words ...string) {
		t.Helper()
		ask := func() told {
			return dwaar(t, "ocsp", "fetch", "--cert", file, "--issuer", r.issuer, "--url", a.url, "--allow", "127.0.0.1")
		}
		got := ask()
		for tries := 0; tries < 500 && got.code != code; tries++ {
			time.Sleep(20 * time.Millisecond)
			got = ask()
		}
		got.expect(t, code, words...)
	}
	fetch(0, "good")
	if text := a.shows("/readyz"); text != "ready\n" {
		t.Errorf("readyz: %q", text)
	}
	if text := a.shows("/metrics"); !strings.Contains(text, `dwaar_ocsp_responder_signatures_total{responder="dwaar test intermediate"} `) || !strings.Contains(text, "go_goroutines") {
		t.Errorf("metrics:\n%s", text)
	}
	r.run(t, "revoke", file, "--reason", "keyCompromise").expect(t, 0)
	fetch(1, "revoked", "keyCompromise")

	a.renew(t)
	a.signal(syscall.SIGHUP)
	a.tells("RELOADING=1")
	a.tells("READY=1")
	fetch(1, "revoked")
	ocsptest.WriteFile(t, r.dir, "ocsp.key", []byte("no key"))
	a.signal(syscall.SIGHUP)
	a.tells("RELOADING=1")
	a.tells("READY=1")
	fetch(1, "revoked")
	if !strings.Contains(a.out.String(), "what runs stays") {
		t.Errorf("a bad reload is not told:\n%s", a.out)
	}
	a.signal(syscall.SIGTERM)
	a.tells("STOPPING=1")
	a.ends(0)
}

func TestResponderSaysWhatKeepsItFromStarting(t *testing.T) {
	r := newRegistry(t)
	ocsptest.WriteFile(t, r.dir, "leaf.key", ocsptest.KeyPEM(t, r.leaf.Key, ocsptest.PKCS8))
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	r.renew(t)
	good := []string{"responder", "--issuer", r.issuer, "--signer", in(r.dir, "ocsp.pem"), "--key", in(r.dir, "ocsp.key"), "--listen"}
	for want, args := range map[string][]string{
		"OCSPSigning":                  {"responder", "--listen", "127.0.0.1:0", "--issuer", r.issuer, "--database", r.db, "--signer", r.leafFile, "--key", in(r.dir, "leaf.key")},
		"no such file":                 {"responder", "--listen", "127.0.0.1:0", "--issuer", r.issuer, "--database", r.db, "--signer", r.leafFile, "--key", in(r.dir, "no.key")},
		"unable to open database file": slices.Concat(good, []string{"127.0.0.1:0", "--database", "sqlite:" + in(r.dir, "no/certs.db")}),
		"address already in use":       slices.Concat(good, []string{taken.Addr().String(), "--database", r.db}),
		"bind: address already in use": slices.Concat(good, []string{"127.0.0.1:0", "--database", r.db, "--metrics", taken.Addr().String()}),
	} {
		dwaar(t, args...).expect(t, 1, "dwaar: ", want)
	}
}
