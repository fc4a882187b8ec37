package main

import (
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"dwaar/ocspsvc/ocsptest"
)

// relay starts a `dwaar relay` in front of a responder of the registry's CA.
func (r *registry) relay(t *testing.T, responder, data string, args ...string) *standing {
	t.Helper()
	return stand(t, append([]string{"relay", "--issuer", r.issuer + "=" + responder, "--allow", "127.0.0.1", "--data", data}, args...)...)
}

func TestRelayFromFlagsAlone(t *testing.T) {
	r := newRegistry(t)
	upstream := ocsptest.NewResponder(t, r.ca)
	address, data := upstream.Start(t), t.TempDir()
	a := r.relay(t, address, data, "--certificates", in(r.dir, "leaf*.pem"), "--timeout", "5s", "--entries", "10")
	ask := func(a *standing, args ...string) {
		t.Helper()
		dwaar(t, append([]string{"ocsp", "fetch", "--cert", r.leafFile, "--issuer", r.issuer, "--allow", "127.0.0.1", "--url", a.url}, args...)...).expect(t, 0, "good")
	}
	ask(a)
	ask(a)
	if n := upstream.Count(); n != 1 {
		t.Errorf("the responder was asked %d times, want once", n)
	}
	if text := a.shows("/readyz"); text != "ready\n" {
		t.Errorf("readyz: %q", text)
	}
	if text := a.shows("/metrics"); !strings.Contains(text, `dwaar_ocsp_relay_upstream_total{relay="dwaar test intermediate",result="good"} 1`) || !strings.Contains(text, "go_goroutines") {
		t.Errorf("metrics:\n%s", text)
	}
	a.refusesToProxy()

	a.signal(syscall.SIGHUP)
	a.tells("RELOADING=1")
	a.tells("READY=1")
	upstream.Set(ocsptest.ConnectionDropped)
	ask(a) // what is the same keeps its memory
	before, _ := os.ReadFile(r.issuer)
	ocsptest.WriteFile(t, r.dir, "ca.pem", []byte("no certificate"))
	a.signal(syscall.SIGHUP)
	a.tells("RELOADING=1")
	a.tells("READY=1")
	if !strings.Contains(a.out.String(), "what runs stays") {
		t.Errorf("a bad reload is not told:\n%s", a.out)
	}
	ocsptest.WriteFile(t, r.dir, "ca.pem", before)
	ask(a)
	a.signal(syscall.SIGTERM)
	a.tells("STOPPING=1")
	a.ends(0)

	again := r.relay(t, address, data)
	ask(again) // from the data directory
}

// refusesToProxy holds that nobody gets anywhere through it.
func (a *standing) refusesToProxy() {
	a.t.Helper()
	through := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: a.address}),
	}}
	for _, target := range []string{"http://169.254.169.254/latest/meta-data", "http://" + a.metrics + "/readyz"} {
		resp, err := through.Get(target)
		if err != nil {
			a.t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.ContentLength != 5 || resp.Header.Get("Content-Type") != "application/ocsp-response" {
			a.t.Errorf("%s through the relay: %d octets of %s, want an OCSP error", target, resp.ContentLength, resp.Header.Get("Content-Type"))
		}
	}
	if _, err := through.Get("https://" + a.metrics + "/"); err == nil || !strings.Contains(err.Error(), "Method Not Allowed") {
		a.t.Errorf("CONNECT: %v, want 405", err)
	}
}

func TestRelaySaysWhatKeepsItFromStarting(t *testing.T) {
	r := newRegistry(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	good := []string{"relay", "--data", t.TempDir(), "--issuer", r.issuer + "=http://ocsp.example", "--listen"}
	for want, args := range map[string][]string{
		"no such file":                 slices.Concat(good, []string{"127.0.0.1:0", "--certificates", in(r.dir, "no.pem")}),
		"is not a CA":                  slices.Concat(good, []string{"127.0.0.1:0", "--issuer", r.leafFile + "=http://ocsp.example"}),
		"address already in use":       slices.Concat(good, []string{taken.Addr().String()}),
		"bind: address already in use": slices.Concat(good, []string{"127.0.0.1:0", "--metrics", taken.Addr().String()}),
		"file exists":                  slices.Concat(good, []string{"127.0.0.1:0", "--data", r.issuer}),
	} {
		dwaar(t, args...).expect(t, 1, "dwaar: ", want)
	}
}

// A responder that the guard will not let anybody ask is told of at the start.
func TestRelayWarnsOfAResponderThatItMayNotAsk(t *testing.T) {
	r := newRegistry(t)
	a := stand(t, "relay", "--issuer", r.issuer+"=http://10.1.2.3/", "--certificates", in(r.dir, "none*.pem"), "--data", t.TempDir())
	for _, want := range []string{"it will not be asked: ", "10.1.2.3", "no file is like"} {
		if !strings.Contains(a.out.String(), want) {
			t.Errorf("the log has no %q:\n%s", want, a.out)
		}
	}
	a.signal(syscall.SIGTERM)
	a.ends(0)
}
