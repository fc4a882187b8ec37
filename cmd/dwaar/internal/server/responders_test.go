package server_test

import (
	"bufio"
	"bytes"
	"crypto"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"dwaar/cmd/dwaar/internal/server"
	"dwaar/ocspsvc"
	"dwaar/ocspsvc/certdb"
	"dwaar/ocspsvc/ocsptest"
)

// office is a house with an OCSP responder over SQLite.
type office struct {
	*house
	db      *certdb.DB
	web     string // the port without TLS
	leaf    *ocsptest.Leaf
	globals string // further options
}

func newOffice(t *testing.T) *office {
	t.Helper()
	h := newHouse(t)
	o := &office{house: h, web: freePort(t)}
	ocsptest.WriteFile(t, h.dir, "ca.pem", ocsptest.CertPEM(h.ca.Cert))
	ocsptest.WriteFile(t, h.dir, "ca.key", ocsptest.KeyPEM(t, h.ca.Key, ocsptest.PKCS8))
	db, err := certdb.Create(t.Context(), certdb.DSN("sqlite:"+filepath.Join(h.dir, "certs.db")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	o.db = db
	o.leaf = h.ca.Leaf(t, ocsptest.Names("leaf.example"))
	o.add(t, o.leaf)
	return o
}

func (o *office) add(t *testing.T, leaf *ocsptest.Leaf) {
	t.Helper()
	if _, err := o.db.Add(t.Context(), o.ca.Cert, certdb.Of(leaf.Cert)); err != nil {
		t.Fatal(err)
	}
}

// config writes a Dwaarfile of these sites.
func (o *office) config(t *testing.T, sites string) {
	t.Helper()
	globals := fmt.Sprintf("{\n\thttp_port %s\n\thttps_port %s\n\tdefault_bind 127.0.0.1\n\tauto_https disable_redirects\n\tgrace_period 1s\n%s}\n", o.web, o.port, o.globals)
	ocsptest.WriteFile(t, o.dir, "Dwaarfile", []byte(globals+sites))
}

const own = "ocsp_responder {\n\tissuer ca.pem\n\tsigner ca.pem ca.key\n\tdatabase sqlite:certs.db\n}\n"

// question asks for a leaf, with a nonce whose base64 has many slashes.
func question(t *testing.T, leaf *ocsptest.Leaf, ca *ocsptest.CA, nonce bool) []byte {
	t.Helper()
	id, err := ocspsvc.NewCertID(leaf.Cert, ca.Cert, crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	req := ocspsvc.Request{CertIDs: []ocspsvc.CertID{id}}
	if nonce {
		req.Nonce = bytes.Repeat([]byte{0xff}, 32)
	}
	der, err := req.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// exchange sends one request as it is.
func (o *office) exchange(t *testing.T, host, head string, body []byte) (status int, answer []byte) {
	t.Helper()
	conn, err := net.Dial("tcp", "127.0.0.1:"+o.web)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", head, host, len(body), body)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, answer
}

// says is what an answer says about a leaf, or its OCSP error.
func (o *office) says(t *testing.T, leaf *ocsptest.Leaf, answer []byte) string {
	t.Helper()
	response, err := ocspsvc.ParseResponse(answer)
	if err != nil {
		return err.Error()
	}
	if response.ResponseStatus != ocspsvc.Successful {
		return response.ResponseStatus.String()
	}
	verdict, err := ocspsvc.Verify(response, leaf.Cert, o.ca.Cert, time.Now(), ocspsvc.VerifyOptions{})
	if err != nil && verdict.Status == 0 {
		return err.Error()
	}
	return verdict.Status.String()
}

// ask asks at the root of the site for ocsp.example.
func (o *office) ask(t *testing.T, leaf *ocsptest.Leaf) string {
	t.Helper()
	_, answer := o.exchange(t, "ocsp.example", "POST /", question(t, leaf, o.ca, false))
	return o.says(t, leaf, answer)
}

func TestAnOCSPResponderAnswersWhereASiteHasOne(t *testing.T) {
	o := newOffice(t)
	o.config(t, "http://ocsp.example {\n"+own+"}\n"+
		"http://pki.example {\nhandle_path /a/b/* {\n"+own+"}\n"+"route {\n"+strings.Replace(own, "responder", "responder /ocsp/*", 1)+"respond hello\n}\n}\n"+
		"http://none.example {\nrespond /hello hello\n}\n")
	o.start(t)
	for _, nonce := range []bool{false, true} {
		der := question(t, o.leaf, o.ca, nonce)
		text := base64.StdEncoding.EncodeToString(der)
		if nonce && !strings.Contains(text, "//") {
			t.Fatal("the question has no two slashes in a row")
		}
		for _, c := range []struct{ host, head string }{
			{"ocsp.example", "GET /" + text},
			{"ocsp.example", "GET //" + text},
			{"ocsp.example", "GET /" + strings.NewReplacer("/", "%2F", "+", "%2b", "=", "%3D").Replace(text)},
			{"ocsp.example", "GET /" + strings.NewReplacer("/", "_", "+", "-", "=", "").Replace(text)},
			{"ocsp.example", "GET /any/path/" + text},
			{"pki.example", "GET /ocsp/" + text},
			{"pki.example", "GET /ocsp//" + text},
			{"pki.example", "GET /a/b/" + text},
			{"pki.example", "GET /a/b/" + strings.ReplaceAll(text, "/", "%2F")},
			{"ocsp.example", "POST /"},
			{"ocsp.example", "POST /any//path"},
			{"pki.example", "POST /ocsp/"},
			{"pki.example", "POST /a/b/"},
		} {
			body := der
			if strings.HasPrefix(c.head, "GET") {
				body = nil
			}
			if status, answer := o.exchange(t, c.host, c.head, body); status != 200 || o.says(t, o.leaf, answer) != "good" {
				t.Errorf("%s of %s with nonce %v: %d, %s", c.head, c.host, nonce, status, o.says(t, o.leaf, answer))
			}
		}
	}
	if status, _ := o.exchange(t, "none.example", "POST /", question(t, o.leaf, o.ca, false)); status != 404 {
		t.Errorf("a site without a responder: %d, want 404", status)
	}
	if status, _ := o.exchange(t, "ocsp.example", "PUT /", nil); status != 405 {
		t.Errorf("PUT: %d, want 405", status)
	}
	if _, answer := o.exchange(t, "pki.example", "GET /ocspnot", nil); string(answer) != "hello" {
		t.Errorf("beside the responder: %q", answer)
	}
}

// Two responders at one place answer for their own CAs, and for no other.
func TestSeveralRespondersAtOnePlaceAnswerEachForItsCA(t *testing.T) {
	o := newOffice(t)
	other, third := ocsptest.NewRoot(t), ocsptest.NewRoot(t)
	ocsptest.WriteFile(t, o.dir, "other.pem", ocsptest.CertPEM(other.Cert))
	ocsptest.WriteFile(t, o.dir, "other.key", ocsptest.KeyPEM(t, other.Key, ocsptest.PKCS8))
	o.config(t, "http://ocsp.example {\n"+own+strings.NewReplacer("ca.", "other.", "certs.db", "other.db").Replace(own)+"}\n")
	o.start(t)
	unknown := other.Leaf(t)
	for want, c := range map[string]struct {
		leaf *ocsptest.Leaf
		ca   *ocsptest.CA
	}{"good": {o.leaf, o.ca}, "unknown": {unknown, other}, "unauthorized": {third.Leaf(t), third}} {
		_, answer := o.exchange(t, "ocsp.example", "POST /", question(t, c.leaf, c.ca, false))
		o := &office{house: &house{ca: c.ca}}
		if got := o.says(t, c.leaf, answer); got != want {
			t.Errorf("a leaf of %s: %s, want %s", c.ca.Cert.Subject, got, want)
		}
	}
}

// signatures is how many answers were signed, by all responders.
func (o *office) signatures(t *testing.T) (total int) {
	t.Helper()
	for _, m := range regexp.MustCompile(`(?m)^dwaar_ocsp_responder_signatures_total\{[^}]*\} (\d+)`).FindAllSubmatch(o.admin(t, "GET", "/metrics"), -1) {
		var n int
		_, _ = fmt.Sscan(string(m[1]), &n)
		total += n
	}
	return total
}

func TestReloadKeepsAResponderThatSaysTheSame(t *testing.T) {
	o := newOffice(t)
	site := "http://ocsp.example {\n" + own + "}\n"
	o.config(t, site)
	srv, _ := o.start(t)
	for _, leaf := range []*ocsptest.Leaf{o.leaf, o.ca.Leaf(t)} { // two signatures: another responder would have made one
		if got := o.ask(t, leaf); got != "good" && leaf == o.leaf {
			t.Fatal(got)
		}
	}
	before := o.signatures(t)
	o.config(t, site+"http://more.example {\n"+own+"respond /x y\n}\n")
	if err := srv.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := o.ask(t, o.leaf); got != "good" || o.signatures(t) != before || before != 2 {
		t.Errorf("after a reload: %s, %d signatures, before it %d", got, o.signatures(t), before)
	}
	o.config(t, strings.Replace(site, "database", "validity 2h\n\tdatabase", 1))
	if err := srv.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, answer := o.exchange(t, "ocsp.example", "POST /", question(t, o.leaf, o.ca, false))
	response, err := ocspsvc.ParseResponse(answer)
	if err != nil || response.Singles[0].NextUpdate.Sub(response.Singles[0].ThisUpdate) != 2*time.Hour {
		t.Errorf("the changed responder says %+v, %v", response, err)
	}
	if n := strings.Count(string(o.admin(t, "GET", "/metrics")), "dwaar_ocsp_responder_database_up{"); n != 1 {
		t.Errorf("the metrics have %d responders, want 1", n)
	}
}

// A renewed signer has the same file name.
func TestReloadReadsTheSignerAgain(t *testing.T) {
	o := newOffice(t)
	delegate := func() *ocsptest.Leaf {
		d := o.ca.Delegate(t)
		ocsptest.WriteFile(t, o.dir, "ocsp.pem", ocsptest.CertPEM(d.Cert))
		ocsptest.WriteFile(t, o.dir, "ocsp.key", ocsptest.KeyPEM(t, d.Key, ocsptest.PKCS8))
		return d
	}
	delegate()
	o.config(t, "http://ocsp.example {\n"+strings.Replace(own, "ca.pem ca.key", "ocsp.pem ocsp.key", 1)+"}\n")
	srv, _ := o.start(t)
	if got := o.ask(t, o.leaf); got != "good" {
		t.Fatal(got)
	}
	next := delegate()
	if err := srv.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, answer := o.exchange(t, "ocsp.example", "POST /", question(t, o.leaf, o.ca, false))
	if !bytes.Contains(answer, next.Cert.Raw) {
		t.Error("the renewed signer does not sign")
	}
}

func TestBadRespondersAreRefusedWithTheirPlace(t *testing.T) {
	o := newOffice(t)
	site := "http://ocsp.example {\n" + own + "}\n"
	o.config(t, site)
	srv, _ := o.start(t)
	write := func(name string, leaf *ocsptest.Leaf) {
		ocsptest.WriteFile(t, o.dir, name+".pem", ocsptest.CertPEM(leaf.Cert))
		ocsptest.WriteFile(t, o.dir, name+".key", ocsptest.KeyPEM(t, leaf.Key, ocsptest.PKCS8))
	}
	write("leaf", o.leaf)
	write("ended", o.ca.Delegate(t, ocsptest.Validity(-48*time.Hour, -time.Hour)))
	write("foreign", ocsptest.NewRoot(t).Delegate(t))
	for _, c := range []struct{ name, old, new, at, want string }{
		{"a key of another certificate", "ca.pem ca.key", "ca.pem leaf.key", ":11:16: ", "private key does not match public key"},
		{"no file", "ca.pem ca.key", "ca.pem no.key", ":11:16: ", "no such file"},
		{"a certificate for other uses", "ca.pem ca.key", "leaf.pem leaf.key", ":11:9: ", "OCSPSigning"},
		{"a signer that has ended", "ca.pem ca.key", "ended.pem ended.key", ":11:9: ", "expired"},
		{"a signer of another CA", "ca.pem ca.key", "foreign.pem foreign.key", ":11:9: ", "none of them issued it"},
		{"an issuer that is none", "issuer ca.pem", "issuer ca.key", ":10:9: ", "no certificate"},
		{"no directory", "sqlite:certs.db", "sqlite:no/certs.db", ":12:11: ", "unable to open database file"},
		{"no database", "sqlite:certs.db", "sqlite:ca.pem", ":12:11: ", "not a database"},
		{"a server that is away", "sqlite:certs.db", "postgres://u:pass@127.0.0.1:1/pki", ":12:11: ", "connection refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o.config(t, strings.Replace(site, c.old, c.new, 1))
			refusesReload(t, srv, "Dwaarfile"+c.at+"ocsp_responder: ", c.want)
			if strings.Contains(c.old, "database") || strings.Contains(c.old, "sqlite") {
				return // which only serving opens
			}
			o.refused(t, c.want)
		})
	}
	if got := o.ask(t, o.leaf); got != "good" {
		t.Errorf("after refused reloads: %s", got)
	}
}

func TestCheckingOpensNoDatabase(t *testing.T) {
	o := newOffice(t)
	o.config(t, "http://ocsp.example {\n"+strings.Replace(own, "certs.db", "new.db", 1)+"}\n")
	if _, err := server.Check(filepath.Join(o.dir, "Dwaarfile")); err != nil || exists(filepath.Join(o.dir, "new.db")) {
		t.Errorf("Check = %v, and it made the database: %v", err, exists(filepath.Join(o.dir, "new.db")))
	}
}

// A database server that is away when dwaar starts keeps no site down.
func TestADatabaseThatIsAwayIsSeen(t *testing.T) {
	o := newOffice(t)
	site := "http://ocsp.example {\n" + own + "}\nhttp://a.example {\nrespond hello\n}\n"
	o.config(t, strings.Replace(site, "sqlite:certs.db", "postgres://u:pass@127.0.0.1:1/pki", 1))
	srv, _ := o.start(t)
	if _, answer := o.exchange(t, "a.example", "GET /", nil); string(answer) != "hello" {
		t.Errorf("another site: %q", answer)
	}
	if got := o.ask(t, o.leaf); got != "tryLater" {
		t.Errorf("the responder: %s, want tryLater", got)
	}
	if text := string(o.admin(t, "GET", "/readyz")); !strings.Contains(text, "database cannot be read") {
		t.Errorf("readyz: %q", text)
	}
	s := o.status(t)
	if s.Ready || len(s.Responders) != 1 || s.Responders[0].Ready || s.Responders[0].Error == "" || s.Responders[0].Database != "postgres://u:xxxxx@127.0.0.1:1/pki" {
		t.Errorf("status: %v, %+v", s.Ready, s.Responders)
	}
	if strings.Contains(o.log.String(), "pass") {
		t.Error("the log has the password")
	}
	o.config(t, site)
	if err := srv.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := o.ask(t, o.leaf); got != "good" {
		t.Errorf("with a database: %s", got)
	}
	if text := string(o.admin(t, "GET", "/readyz")); text != "ready\n" {
		t.Errorf("readyz: %q", text)
	}
}

func TestASignerThatEndsSoonIsSeen(t *testing.T) {
	o := newOffice(t)
	d := o.ca.Delegate(t, ocsptest.Validity(-30*24*time.Hour, time.Hour))
	ocsptest.WriteFile(t, o.dir, "ocsp.pem", ocsptest.CertPEM(d.Cert))
	ocsptest.WriteFile(t, o.dir, "ocsp.key", ocsptest.KeyPEM(t, d.Key, ocsptest.PKCS8))
	o.config(t, "http://ocsp.example {\n"+strings.Replace(own, "ca.pem ca.key", "ocsp.pem ocsp.key", 1)+"}\n")
	warnings, err := server.Check(filepath.Join(o.dir, "Dwaarfile"))
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], ":11:9: ocsp_responder: signer: the certificate of") {
		t.Errorf("Check: %q, %v", warnings, err)
	}
	o.start(t)
	if s := o.status(t).Responders[0]; !s.Ready || s.Signers[0].State != "ending" {
		t.Errorf("status: %+v", s)
	}
	if !strings.Contains(o.log.String(), "ends soon") {
		t.Error("the log does not tell that the signer ends soon")
	}
}

// The CA of this certificate is here, so its staple needs no URL and no network.
func TestTheStaplerAsksARespondersOfThisProcess(t *testing.T) {
	o := newOffice(t)
	leaf := o.ca.Leaf(t, ocsptest.Names("own.example"))
	leaf.Write(t, o.dir, "own")
	o.add(t, leaf)
	o.config(t, "http://ocsp.example {\n"+own+"}\nown.example {\n\ttls own.pem own.key\n\trespond hello\n}\n")
	o.start(t)
	o.stapled(t, "own.example", leaf)
}

func TestAPasswordThatAllCanReadIsWarnedOf(t *testing.T) {
	o := newOffice(t)
	path := filepath.Join(o.dir, "Dwaarfile")
	for _, c := range []struct {
		dsn  string
		mode os.FileMode
		want bool
	}{
		{"postgres://u:pass@127.0.0.1:1/pki", 0o644, true},
		{"postgres://u:pass@127.0.0.1:1/pki", 0o640, false},
		{"postgres://u@127.0.0.1:1/pki", 0o644, false},
		{"{$DWAAR_TEST_DSN}", 0o644, false},
	} {
		t.Setenv("DWAAR_TEST_DSN", "postgres://u:pass@127.0.0.1:1/pki")
		o.config(t, "http://ocsp.example {\n"+strings.Replace(own, "sqlite:certs.db", c.dsn, 1)+"}\n")
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		warnings, err := server.Check(path)
		if err != nil || len(warnings) > 0 != c.want || c.want && !strings.Contains(warnings[0], ":12:11: ocsp_responder: database: everybody") {
			t.Errorf("%s in mode %o: %q, %v", c.dsn, c.mode, warnings, err)
		}
	}
}

// Reloads that exchange the responder again and again are not noticed by who asks.
func TestReloadsOfAResponderLoseNoAnswer(t *testing.T) {
	o := newOffice(t)
	site := "http://ocsp.example {\n" + own + "}\n"
	o.config(t, site)
	srv, _ := o.start(t)
	done := make(chan struct{})
	var askers sync.WaitGroup
	for range 4 {
		askers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if got := o.ask(t, o.leaf); got != "good" {
					t.Errorf("during reloads: %s", got)
					return
				}
			}
		})
	}
	for i := range 15 {
		o.config(t, strings.Replace(site, "database", fmt.Sprintf("validity %dh\n\tdatabase", i+1), 1))
		if err := srv.Reload(t.Context()); err != nil {
			t.Error(err)
		}
	}
	close(done)
	askers.Wait()
}
