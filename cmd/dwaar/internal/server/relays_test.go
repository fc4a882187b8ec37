package server_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"dwaar/ocspsvc/ocsptest"
)

// relayed is an office whose sites relay a responder that is elsewhere.
type relayed struct {
	*office
	site string
}

func newRelayed(t *testing.T) *relayed {
	t.Helper()
	o := newOffice(t)
	o.globals = "\tocsp {\n\t\tallow 127.0.0.1\n\t}\n"
	return &relayed{o, fmt.Sprintf("ocsp_relay {\n\tissuer ca.pem %s/pki/ocsp\n}\n", o.url)}
}

// status of the only relay.
func (r *relayed) asked(t *testing.T) int {
	t.Helper()
	s := r.status(t).Relays
	if len(s) != 1 {
		t.Fatalf("status: %d relays, want 1", len(s))
	}
	return s[0].Asked
}

func TestARelaySiteAnswersAsAResponderAndAsAProxy(t *testing.T) {
	r := newRelayed(t)
	r.config(t, "http://127.0.0.1 {\n"+r.site+"}\nhttp://other.example {\nrespond hello\n}\n"+
		"http://pki.example {\nhandle_path /a/b/* {\n"+r.site+"}\nrespond hello\n}\n")
	r.start(t)
	der := question(t, r.leaf, r.ca, false)
	text := base64.StdEncoding.EncodeToString(der)
	for _, c := range []struct{ host, head string }{
		{"127.0.0.1", "POST /"},
		{"127.0.0.1:8888", "POST /any/path"},
		{"127.0.0.1", "GET /" + text},
		{"ocsp.ca.example", "POST /"},
		{"ocsp.ca.example:80", "POST http://ocsp.ca.example/"},
		{"ocsp.ca.example", "GET http://ocsp.ca.example/" + url.PathEscape(text)},
		{"ocsp.ca.example", "GET http://ocsp.ca.example/some/prefix/" + text},
		{"localhost", "GET http://ocsp.ca.example/" + url.QueryEscape(text)},
		{"ocsp.ca.example", "GET /some/prefix/" + text},
		{"pki.example", "GET /a/b/" + text},
		{"localhost", "POST http://pki.example/a/b/"},
		{"169.254.169.254", "POST http://169.254.169.254/latest/meta-data"},
	} {
		var body []byte
		if strings.HasPrefix(c.head, "POST") {
			body = der
		}
		status, answer := r.exchange(t, c.host, c.head, body)
		if got := r.says(t, r.leaf, answer); status != http.StatusOK || got != "good" {
			t.Errorf("%.60s for %s: HTTP %d, %s", c.head, c.host, status, got)
		}
	}
	if n := r.responder.Count(); n != 1 {
		t.Errorf("the responder was asked %d times, want once", n)
	}
	if hit := r.responder.Hits()[0]; !strings.HasPrefix(hit.Path, "/pki/ocsp") {
		t.Errorf("it was asked at %s", hit.Path)
	}
}

// What a client writes into a request never decides who is asked.
func TestARelaySiteIsNoOpenProxy(t *testing.T) {
	r := newRelayed(t)
	r.config(t, "http://127.0.0.1 {\n"+r.site+"}\nhttp://other.example {\nreverse_proxy "+strings.TrimPrefix(r.url, "http://")+"\n}\n"+
		"http://files.example {\nocsp_relay /ocsp/* {\nissuer ca.pem http://x.example\n}\nfile_server {\nroot "+r.dir+"\n}\n}\n")
	r.start(t)
	malformed := []byte{0x30, 3, 10, 1, 1}
	for _, c := range []struct {
		host, head string
		status     int
		body       string // "" is any
	}{
		{"169.254.169.254", "GET http://169.254.169.254/latest/meta-data", 200, string(malformed)},
		{"127.0.0.1", "GET " + r.url + "/", 200, string(malformed)},
		{"evil.example", "GET /Dwaarfile", 200, string(malformed)},
		{"evil.example", "POST /", 200, string(malformed)},
		{"evil.example", "PUT http://evil.example/", 405, ""},
		{"evil.example", "OPTIONS /", 405, ""},
		{"evil.example:443", "CONNECT evil.example:443", 405, ""},
		{"127.0.0.1:22", "CONNECT 127.0.0.1:22", 405, ""},
	} {
		status, answer := r.exchange(t, c.host, c.head, nil)
		if status != c.status || c.body != "" && string(answer) != c.body {
			t.Errorf("%s: HTTP %d, %q", c.head, status, answer)
		}
	}
	if n := r.responder.Count(); n != 0 {
		t.Errorf("the responder was asked %d times", n)
	}
	if status, answer := r.exchange(t, "ocsp.example", "POST /", question(t, ocsptest.NewCA(t).Leaf(t), ocsptest.NewCA(t), false)); status != 200 || r.says(t, r.leaf, answer) != "unauthorized" {
		t.Errorf("another CA: HTTP %d, %q", status, answer)
	}
	if status, _ := r.exchange(t, "evil.example", "POST /", bytes.Repeat([]byte{'x'}, 1<<17)); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a large request: HTTP %d", status)
	}
}

func TestARelayKeepsItsMemoryOverReloads(t *testing.T) {
	r := newRelayed(t)
	r.config(t, "http://127.0.0.1 {\n"+r.site+"}\n")
	srv, _ := r.start(t)
	if got := r.ask(t, r.leaf); got != "good" {
		t.Fatal(got)
	}
	reload := func(globals, sites string) {
		t.Helper()
		r.globals = globals
		r.config(t, sites)
		if err := srv.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	reload(r.globals, "http://127.0.0.1 {\n"+r.site+"}\nhttp://b.example {\n"+r.site+"}\n")
	if n := r.asked(t); n != 1 {
		t.Errorf("after a reload that says the same: %d answers in memory", n)
	}
	// The guard is another one from now on, for what is in memory, too.
	reload("", "http://127.0.0.1 {\n"+r.site+"}\n")
	if n := r.asked(t); n != 1 {
		t.Errorf("after another guard: %d answers in memory", n)
	}
	if !strings.Contains(r.log.String(), ":10:9: ocsp_relay: issuer "+r.dir+"/ca.pem: it will not be asked") {
		t.Error("nothing warns of a responder that may not be asked")
	}
	if got := r.ask(t, r.ca.Leaf(t)); got != "tryLater" || !strings.Contains(r.log.String(), "reason=blocked_address") {
		t.Errorf("with a guard that allows nothing: %s", got)
	}
	reload("\tocsp {\n\t\tallow 127.0.0.1\n\t}\n", "http://127.0.0.1 {\n"+strings.Replace(r.site, "}", "limits {\n\tentries 7\n}\n}", 1)+"}\n")
	if n := r.asked(t); n != 0 {
		t.Errorf("after another configuration: %d answers in memory", n)
	}
	r.responder.Set(ocsptest.ConnectionDropped)
	if got := r.ask(t, r.leaf); got != "good" {
		t.Errorf("the changed relay has from storage: %s", got)
	}
	reload("", "http://127.0.0.1 {\nrespond hello\n}\n")
	if strings.Contains(r.log.String(), "requests for other hosts") {
		t.Error("a warning about two sites with the same relay")
	}
	if text := string(r.admin(t, "GET", "/metrics")); strings.Contains(text, "dwaar_ocsp_relay") || len(r.status(t).Relays) != 0 {
		t.Error("a relay that is gone is still shown")
	}
}

// A CA with another key has the same file name.
func TestReloadReadsTheIssuersOfARelayAgain(t *testing.T) {
	r := newRelayed(t)
	other := ocsptest.NewCA(t)
	ocsptest.WriteFile(t, r.dir, "ca.pem", ocsptest.CertPEM(other.Cert))
	r.config(t, "http://127.0.0.1 {\n"+r.site+"}\n")
	srv, _ := r.start(t)
	if got := r.ask(t, r.leaf); got != "unauthorized" {
		t.Fatal(got)
	}
	ocsptest.WriteFile(t, r.dir, "ca.pem", ocsptest.CertPEM(r.ca.Cert))
	if err := srv.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := r.ask(t, r.leaf); got != "good" {
		t.Errorf("after the file has another CA: %s", got)
	}
}

func TestARelayOutlivesARestartAndItsResponder(t *testing.T) {
	r := newRelayed(t)
	r.config(t, "http://127.0.0.1 {\n"+r.site+"}\n")
	_, stop := r.start(t)
	if got := r.ask(t, r.leaf); got != "good" {
		t.Fatal(got)
	}
	stop()
	r.responder.Set(ocsptest.ConnectionDropped)
	r.start(t)
	if got := r.ask(t, r.leaf); got != "good" {
		t.Errorf("after a restart with the responder down: %s", got)
	}
	if got := r.ask(t, r.ca.Leaf(t)); got != "tryLater" {
		t.Errorf("what is not there: %s", got)
	}
	s := r.status(t)
	if !s.Ready || len(s.Relays) != 1 || s.Relays[0].Issuers[0].Error == "" || s.Relays[0].Issuers[0].Since == nil || s.Relays[0].Stored != 1 {
		t.Errorf("status: ready %v, %+v", s.Ready, s.Relays)
	}
	if text := string(r.admin(t, "GET", "/metrics")); !strings.Contains(text, `dwaar_ocsp_relay_responders_down{relay="dwaar test intermediate"} 1`) {
		t.Errorf("metrics:\n%s", text)
	}
}

// An issuer and its responder may be known by certificates alone, and the first
// to ask is answered.
func TestARelayLearnsFromCertificates(t *testing.T) {
	r := newRelayed(t)
	leaf := r.leafWithChain(t)
	r.config(t, "http://127.0.0.1 {\nocsp_relay {\n\tcertificates a*.pem b*.pem\n}\n}\n")
	r.start(t)
	if got := r.ask(t, leaf); got != "good" {
		t.Error(got)
	}
	s := r.status(t).Relays[0]
	if s.Prefetched != 1 || s.Issuers[0].Responders[0] != r.url || !strings.HasPrefix(s.Name, r.dir) {
		t.Errorf("status: %+v", s)
	}
	if !strings.Contains(r.log.String(), "ocsp_relay: certificates: no file is like "+r.dir+"/b*.pem now") {
		t.Error("a pattern without files is not warned of")
	}
}

func (r *relayed) leafWithChain(t *testing.T) *ocsptest.Leaf {
	t.Helper()
	leaf := r.house.leaf(t, "a.example")
	ocsptest.WriteFile(t, r.dir, "a.example.pem", ocsptest.CertPEM(leaf.Cert, r.ca.Cert))
	return leaf
}

func TestBadRelaysAreRefusedWithTheirPlace(t *testing.T) {
	r := newRelayed(t)
	site := "http://127.0.0.1 {\nocsp_relay {\nissuer ca.pem http://ocsp.example\ncertificates *.pem\n}\n}\n"
	r.config(t, site)
	srv, _ := r.start(t)
	ocsptest.WriteFile(t, r.dir, "leaf.pem", ocsptest.CertPEM(r.leaf.Cert))
	ocsptest.WriteFile(t, r.dir, "garbage.pem", []byte("garbage"))
	for _, c := range []struct{ name, old, new, at, want string }{
		{"no file", "ca.pem", "no.pem", ":13:8: ", "no such file"},
		{"no certificate", "ca.pem", "garbage.pem", ":13:8: ", "holds no certificate"},
		{"no CA", "ca.pem", "leaf.pem", ":13:8: ", "is not a CA"},
		{"certificates that are not there", "*.pem", "*.pem none.pem", ":14:20: ", "no such file"},
		{"certificates that are none", "*.pem", "*.pem garbage.pem", ":14:20: ", "holds no certificate"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.config(t, strings.Replace(site, c.old, c.new, 1))
			refusesReload(t, srv, "Dwaarfile"+c.at+"ocsp_relay: ", c.want)
			r.refused(t, c.want)
		})
	}
	if len(r.status(t).Relays) != 1 {
		t.Error("after refused reloads the relay is gone")
	}
}
