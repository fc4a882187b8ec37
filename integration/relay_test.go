package integration

import (
	"bufio"
	"bytes"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"dwaar/integration/internal/client"
	"dwaar/integration/internal/pki"
	"dwaar/integration/internal/responder"
	"dwaar/integration/internal/wait"
)

// relayHouse is a house whose dwaar is a relay, and nothing else.
type relayHouse struct {
	*house
	addr string
}

func newRelayHouse(t *testing.T) *relayHouse {
	t.Helper()
	return &relayHouse{house: newHouse(t), addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(wait.Port(t)))}
}

// URL is what belongs into the configuration of a web server.
func (r *relayHouse) URL() string { return "http://" + r.addr }

// starts runs the relay for the CA and its responder; more stands in its block, too.
func (r *relayHouse) starts(more string) {
	r.t.Helper()
	r.relays(r.CA, r.OCSP.URL(), more)
}

func (r *relayHouse) relays(ca *pki.Authority, url, more string) {
	r.t.Helper()
	r.Configure(r.Options("", "") + fmt.Sprintf("%s {\n\tbind 127.0.0.1\n\tocsp_relay {\n\t\tissuer %s %s\n\t\t%s\n\t}\n}\n",
		r.URL(), r.issuerFile(ca), url, more))
	r.begins()
}

// issuerFile is a file with the certificate of a CA.
func (r *relayHouse) issuerFile(ca *pki.Authority) string {
	r.t.Helper()
	path := filepath.Join(r.Dir, fmt.Sprintf("%x.pem", ca.Cert.SerialNumber))
	pki.WriteFile(r.t, path, pki.CertPEM(ca.Cert.Raw))
	return path
}

// begins starts dwaar, and returns when the relay takes connections.
func (r *relayHouse) begins() {
	r.t.Helper()
	r.Launch()
	wait.Until(r.t, soon, "the relay to listen", func() error {
		if err := r.Alive(); err != nil {
			r.t.Fatalf("dwaar ended while starting: %v", err)
		}
		c, err := net.Dial("tcp4", r.addr)
		if err != nil {
			return err
		}
		return c.Close()
	})
}

// prefetched waits until so many answers are on disk.
func (r *relayHouse) prefetched(n int) {
	r.t.Helper()
	wait.Until(r.t, soon, "answers on disk", func() error {
		var status struct {
			Relays []struct{ Stored int }
		}
		if err := json.Unmarshal([]byte(r.Must("status", "--json").Stdout), &status); err != nil {
			return err
		}
		if len(status.Relays) != 1 || status.Relays[0].Stored != n {
			return fmt.Errorf("status has %+v, want %d stored", status.Relays, n)
		}
		return nil
	})
}

// awaitStapleAt waits until a web server staples.
func (r *relayHouse) awaitStapleAt(addr, name string) {
	r.t.Helper()
	wait.Until(r.t, soon, "a staple at "+addr, func() error {
		shown, err := client.Target{Addr: addr, Name: name, Roots: r.CA.Pool()}.Do()
		if err != nil {
			return err
		}
		return shown.GoodStaple()
	})
}

// asks asks about a leaf by POST, and says in a word what the answer is. One that does not
// verify is no answer: it fails the test.
func (r *relayHouse) asks(leaf *pki.Leaf, issuer *pki.Authority) string {
	r.t.Helper()
	der, err := ocsp.CreateRequest(leaf.Cert, issuer.Cert, &ocsp.RequestOptions{Hash: crypto.SHA1})
	if err != nil {
		r.t.Fatal(err)
	}
	res, err := http.Post(r.URL(), "application/ocsp-request", bytes.NewReader(der))
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err.Error()
	}
	return r.judged(body, leaf, issuer)
}

func (r *relayHouse) judged(body []byte, leaf *pki.Leaf, issuer *pki.Authority) string {
	r.t.Helper()
	said, err := ocsp.ParseResponseForCert(body, leaf.Cert, issuer.Cert)
	var refused ocsp.ResponseError
	switch {
	case errors.As(err, &refused):
		return refused.Status.String()
	case err != nil:
		r.t.Errorf("issue 6: relayed what does not verify: %v", err)
		return "bad"
	case time.Now().After(said.NextUpdate) || time.Now().Before(said.ThisUpdate):
		r.t.Errorf("issue 6: relayed what holds from %v to %v", said.ThisUpdate, said.NextUpdate)
		return "bad"
	}
	return map[int]string{ocsp.Good: "good", ocsp.Revoked: "revoked", ocsp.Unknown: "unknown"}[said.Status]
}

// Issue 6: nothing that a responder does gets into the relay, unless it verifies.
func TestNoResponderPoisonsARelay(t *testing.T) {
	t.Parallel()
	r := newRelayHouse(t)
	type case_ struct {
		ca        *pki.Authority
		leaf      *pki.Leaf
		responder *responder.Responder
	}
	cases := map[string]*case_{}
	var issuers strings.Builder
	for name, behaviour := range map[string]responder.Behaviour{
		"another's key": responder.WrongSigner, "another serial": responder.WrongSerial, "another issuer": responder.WrongIssuer,
		"garbage": responder.Raw([]byte("<html>It works!</html>")), "empty": responder.Raw(nil), "expired": responder.Expired, "ahead of time": responder.Future,
		"too much": responder.Oversize, "hangs": responder.Hang, "drips": responder.Drip, "an HTTP error": responder.Status(http.StatusInternalServerError),
		"a critical extension": responder.CriticalExtension, "redirects to itself": responder.RedirectToItself,
		"redirects to a private address": responder.Redirect("http://10.11.12.13/"), "redirects to metadata": responder.Redirect("http://169.254.169.254/latest/"),
	} {
		c := &case_{ca: pki.New(t, name)}
		c.leaf = c.ca.Issue(t, pki.Request{Names: []string{"www.example.com"}})
		c.responder = responder.New(t, c.ca)
		c.responder.Behave(behaviour)
		cases[name] = c
		fmt.Fprintf(&issuers, "issuer %s %s\n\t\t", r.issuerFile(c.ca), c.responder.URL())
	}
	issuers.WriteString("timeout 2s")
	r.starts(issuers.String())
	var clients sync.WaitGroup
	for name, c := range cases {
		clients.Go(func() {
			if got := r.asks(c.leaf, c.ca); got != "try later" {
				t.Errorf("issue 6: %s: %s, want try later", name, got)
			}
			if c.responder.Requests() == 0 {
				t.Errorf("issue 6: %s: the responder was not asked", name)
			}
		})
	}
	clients.Wait()
	if got := r.asks(r.leaf("fine.example.com"), r.CA); got != "good" {
		t.Errorf("issue 6: the CA that works, beside those that do not: %s", got)
	}
	r.prefetched(1)
}

// Issue 6: no client makes a relay dial or keep what it should not.
func TestNoClientMakesARelayDoWhatItShouldNot(t *testing.T) {
	t.Parallel()
	r := newRelayHouse(t)
	r.starts("")
	leaf := r.leaf("www.example.com")
	der, err := ocsp.CreateRequest(leaf.Cert, r.CA.Cert, nil)
	if err != nil {
		t.Fatal(err)
	}
	inner := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("issue 6: a client chose who is asked") })
	path := "/" + base64.URLEncoding.EncodeToString(der)
	path = "/" + strings.NewReplacer("-", "%2B", "_", "%2F", "=", "%3D").Replace(path[1:])
	foreign, err := ocsp.CreateRequest(pki.SelfSigned(t, "other.example", "").Cert, pki.New(t, "Other").Cert, nil)
	if err != nil {
		t.Fatal(err)
	}
	post := func(target, host, body string) string {
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/ocsp-request\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", target, host, len(body), body)
	}
	get := func(target, host string) string {
		return fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", target, host)
	}
	for _, c := range []struct{ name, request, want string }{
		{"as a responder", get(path, r.addr), "good"},
		{"as a proxy, by GET", get("http://ocsp.example.com"+path, "ocsp.example.com"), "good"},
		{"as a proxy, below a path", get("http://ocsp.example.com/ca/1"+path, "ocsp.example.com"), "good"},
		{"as a proxy, by POST", post("http://ocsp.example.com/", "ocsp.example.com", string(der)), "good"},
		{"a Host of its own", post("/", "anything.example", string(der)), "good"},
		{"a URI of this machine", get(inner+path, strings.TrimPrefix(inner, "http://")), "good"},
		{"metadata", get("http://169.254.169.254/latest/meta-data/", "169.254.169.254"), "HTTP 400|malformed"},
		{"metadata as Host", get("/latest/meta-data/iam", "169.254.169.254"), "HTTP 400|malformed"},
		{"this machine", get(inner+"/", strings.TrimPrefix(inner, "http://")), "HTTP 4|malformed"},
		{"a tunnel", "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n", "HTTP 4"},
		{"another method", "DELETE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP 405"},
		{"another CA's", post("/", "x", string(foreign)), "unauthorized"},
		{"too much", post("/", "x", strings.Repeat("0", 100<<10)), "HTTP 413"},
		{"no request", post("/", "x", "<xml/>"), "malformed|HTTP 400"},
	} {
		got := r.raw(c.request, leaf)
		if fits := func(want string) bool { return strings.HasPrefix(got, want) }; !anyOf(strings.Split(c.want, "|"), fits) {
			t.Errorf("issue 6: %s: %s, want %s", c.name, got, c.want)
		}
	}
	if n := r.OCSP.Requests(); n != 1 {
		t.Errorf("issue 6: all of that cost the responder %d requests, want 1", n)
	}
}

func anyOf(words []string, fits func(string) bool) bool {
	for _, word := range words {
		if fits(word) {
			return true
		}
	}
	return false
}

// raw sends a request as it is, and says in a word what comes back.
func (r *relayHouse) raw(request string, leaf *pki.Leaf) string {
	r.t.Helper()
	conn, err := net.Dial("tcp4", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	go func() { _, _ = io.WriteString(conn, request) }() // who refuses it need not read it
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return err.Error()
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Sprintf("HTTP %d", res.StatusCode)
	}
	return r.judged(body, leaf, r.CA)
}

// Issue 6: 1,000 clients that ask for the same at once cost the responder one request.
func TestAThousandEqualMissesAreOneRequest(t *testing.T) {
	t.Parallel()
	r := newRelayHouse(t)
	gate := make(chan struct{})
	r.OCSP.Behave(func(o *responder.Responder, w http.ResponseWriter, asked responder.Call) {
		<-gate
		responder.Good(o, w, asked)
	})
	r.starts("")
	leaf := r.leaf("www.example.com")
	const askers = 1000
	var clients sync.WaitGroup
	for range askers {
		clients.Go(func() {
			if got := r.asks(leaf, r.CA); got != "good" {
				t.Errorf("issue 6: %s, want good", got)
			}
		})
	}
	wait.Until(t, soon, "the request to the responder", func() error {
		if r.OCSP.Requests() == 0 {
			return errNotYet
		}
		return nil
	})
	time.Sleep(500 * time.Millisecond) // more would be on their way by now
	close(gate)
	clients.Wait()
	if n := r.OCSP.Requests(); n != 1 {
		t.Errorf("issue 6: %d requests for %d clients, want 1", n, askers)
	}
}

// Issue 6: after a restart with the responder dead, answers come from disk; also after kill -9.
func TestARelayAnswersFromDiskAfterARestart(t *testing.T) {
	t.Parallel()
	r := newRelayHouse(t)
	r.starts("")
	known, unknown := r.leaf("known.example.com"), r.leaf("unknown.example.com")
	if got := r.asks(known, r.CA); got != "good" {
		t.Fatalf("issue 6: at first: %s", got)
	}
	r.prefetched(1)
	r.OCSP.Down()
	for _, end := range []func(){r.Stop, r.Kill} {
		end()
		r.begins()
		begun := time.Now()
		if got := r.asks(known, r.CA); got != "good" {
			t.Errorf("issue 6: with the responder dead, after a restart: %s", got)
		}
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("issue 6: it took %v", took)
		}
		if got := r.asks(unknown, r.CA); got != "try later" {
			t.Errorf("issue 6: what nobody has: %s, want try later", got)
		}
	}
}
