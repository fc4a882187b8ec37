package issuing_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dwaar/acme/issuing"
)

// ask sends a request as it comes in on port 80.
func ask(i *issuing.Issuing, method, host, path string) (handled bool, w *httptest.ResponseRecorder) {
	r := httptest.NewRequest(method, "http://"+host+path, nil)
	w = httptest.NewRecorder()
	return i.ServeHTTPChallenge(w, r), w
}

const challengePath = "/.well-known/acme-challenge/"

// During an order another process, which only knows the policy, is asked everything.
func TestHTTPChallengesAreAnsweredByAnyProcess(t *testing.T) {
	t.Parallel()
	ca, dir := newFakeCA(t), t.TempDir()
	peer := open(t, dir)
	peer.Use([]issuing.Policy{policy(ca)})
	asked := 0
	ca.validate = func(kind, host, token string) bool {
		asked++
		path := challengePath + token
		for _, c := range []struct {
			method, host, path string
			handled            bool
			status             int
		}{
			{"GET", host, path, true, 200},
			{"GET", strings.ToUpper(host) + ".:8080", path, true, 200},
			{"GET", host, path + "x", true, 404},
			{"GET", host, challengePath, true, 404},
			{"HEAD", host, path, true, 405},
			{"POST", host, path, true, 405},
			{"GET", host, "/.well-known/security.txt", false, 200},
			{"GET", host, "/" + path, false, 200},
			{"GET", "other.test", path, false, 200},
			{"GET", "www." + host, path, false, 200},
		} {
			handled, w := ask(peer, c.method, c.host, c.path)
			if handled != c.handled || w.Code != c.status {
				t.Errorf("%s http://%s%s: handled %v, status %d; want %v, %d", c.method, c.host, c.path, handled, w.Code, c.handled, c.status)
			}
			if proves := strings.HasPrefix(w.Body.String(), token+"."); proves != (handled && c.status == 200) {
				t.Errorf("%s http://%s%s: body %q", c.method, c.host, c.path, w.Body)
			}
		}
		return kind == "http-01"
	}
	i := issuing.New(openStorage(t, dir), nil, logger(t), issuing.Options{NoTLSALPN01: true})
	obtain(t, i, policy(ca))
	if asked != 1 {
		t.Errorf("the CA asked %d times", asked)
	}
	for _, i := range []*issuing.Issuing{i, peer} {
		_, w := ask(i, "GET", name, challengePath+"token-0-http-01")
		if strings.Contains(w.Body.String(), "token-0") {
			t.Error("the challenge is answered after the order")
		}
	}
}

func TestRequestsForChallengesAreLeftToTheSiteWithoutHTTP01(t *testing.T) {
	t.Parallel()
	ca, dir := newFakeCA(t), t.TempDir()
	byDNS := policy(ca)
	byDNS.DNS = &issuing.DNSConfig{}
	internal := issuing.Policy{Names: []string{name}, Issuers: []issuing.IssuerConfig{{CA: issuing.Internal}}}
	for what, c := range map[string]struct {
		opts issuing.Options
		p    issuing.Policy
		want bool
	}{
		"http-01":        {p: policy(ca), want: true},
		"every name":     {p: issuing.Policy{Names: []string{""}, Issuers: []issuing.IssuerConfig{ca.issuer()}}, want: true},
		"a wildcard":     {p: issuing.Policy{Names: []string{"*.example.test"}, Issuers: []issuing.IssuerConfig{ca.issuer()}}, want: true},
		"by DNS":         {p: byDNS},
		"by the local":   {p: internal},
		"another's name": {p: issuing.Policy{Names: []string{"other.test"}, Issuers: []issuing.IssuerConfig{ca.issuer()}}},
		"switched off":   {p: policy(ca), opts: issuing.Options{NoHTTP01: true}},
	} {
		i := issuing.New(openStorage(t, dir), nil, logger(t), c.opts)
		i.Use([]issuing.Policy{c.p})
		if handled, _ := ask(i, "GET", name, challengePath+"x"); handled != c.want {
			t.Errorf("%s: handled %v, want %v", what, handled, c.want)
		}
	}
}

// handshake shakes hands with a server whose certificates come from i.
func handshake(t *testing.T, i *issuing.Issuing, sni string) (*x509.Certificate, error) {
	t.Helper()
	client, server := net.Pipe()
	defer client.Close()
	go func() {
		defer server.Close()
		_ = tls.Server(server, &tls.Config{NextProtos: []string{"acme-tls/1"}, GetCertificate: i.ALPNCertificate}).Handshake()
	}()
	conn := tls.Client(client, &tls.Config{ServerName: sni, NextProtos: []string{"acme-tls/1"}, InsecureSkipVerify: true})
	if err := conn.Handshake(); err != nil {
		return nil, err
	}
	return conn.ConnectionState().PeerCertificates[0], nil
}

func TestALPNChallengesAreAnsweredByAnyProcess(t *testing.T) {
	t.Parallel()
	ca, dir := newFakeCA(t), t.TempDir()
	peer := open(t, dir)
	peer.Use([]issuing.Policy{policy(ca)})
	ca.validate = func(kind, host, _ string) bool {
		cert, err := handshake(t, peer, host)
		if err != nil {
			t.Error(err)
			return false
		}
		proves := false
		for _, e := range cert.Extensions { // RFC 8737 §3: id-pe-acmeIdentifier, critical
			proves = proves || e.Critical && e.Id.String() == "1.3.6.1.5.5.7.1.31"
		}
		if len(cert.DNSNames) != 1 || cert.DNSNames[0] != host || !proves {
			t.Errorf("the certificate is for %v, with extension %v", cert.DNSNames, proves)
		}
		if _, err := handshake(t, peer, "other.test"); err == nil {
			t.Error("another name has a challenge")
		}
		_, w := ask(peer, "GET", host, challengePath+"token-0-tls-alpn-01")
		if w.Code != 404 {
			t.Errorf("http-01 with the token of tls-alpn-01: %d", w.Code)
		}
		return kind == "tls-alpn-01"
	}
	i := issuing.New(openStorage(t, dir), nil, logger(t), issuing.Options{NoHTTP01: true})
	obtain(t, i, policy(ca))
	if _, err := handshake(t, peer, name); err == nil {
		t.Error("the challenge is answered after the order")
	}
	off := issuing.New(openStorage(t, dir), nil, logger(t), issuing.Options{NoTLSALPN01: true})
	if _, err := off.ALPNCertificate(&tls.ClientHelloInfo{ServerName: name}); err == nil || !strings.Contains(err.Error(), "switched off") {
		t.Errorf("switched off: %v", err)
	}
}

func TestOneKindOfChallengeStepsInForTheOther(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"http-01", "tls-alpn-01"} {
		ca := newFakeCA(t)
		ca.validate = func(kind, _, _ string) bool { return kind == good }
		obtain(t, open(t, t.TempDir()), policy(ca))
	}
}

func TestWithoutAnyChallengeNothingIsOrdered(t *testing.T) {
	t.Parallel()
	ca := newFakeCA(t)
	i := issuing.New(openStorage(t, t.TempDir()), nil, logger(t), issuing.Options{NoHTTP01: true, NoTLSALPN01: true})
	if _, err := i.Obtain(soon(t), policy(ca), name); err == nil || !strings.Contains(err.Error(), "there is no listener") {
		t.Errorf("Obtain = %v", err)
	}
	if n := len(ca.ordered()); n != 0 {
		t.Errorf("%d orders", n)
	}
}

// listening returns the local addresses, in the kernel's hex, that this process listens on.
func listening(t *testing.T) map[string]bool {
	t.Helper()
	mine := map[string]bool{}
	fds, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		target, _ := os.Readlink(fd)
		if inode, ok := strings.CutPrefix(target, "socket:["); ok {
			mine[strings.TrimSuffix(inode, "]")] = true
		}
	}
	all := map[string]bool{}
	for _, file := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			// sl local remote st … inode
			if f := strings.Fields(line); len(f) > 9 && f[3] == "0A" && mine[f[9]] {
				all[f[1]] = true
			}
		}
	}
	return all
}

// It looks at all sockets of the process, so it has that for itself.
func TestNoPortIsOpenedForChallenges(t *testing.T) {
	ca := newFakeCA(t)
	before := listening(t)
	ca.validate = func(string, string, string) bool {
		added := listening(t)
		for addr := range before {
			delete(added, addr)
		}
		for addr := range added {
			// The one that keeps certmagic from listening: of 127.0.0.1, and nobody accepts.
			if !strings.HasPrefix(addr, "0100007F:") || len(added) != 1 {
				t.Errorf("listening on %v", added)
			}
		}
		return true
	}
	obtain(t, open(t, t.TempDir()), policy(ca))
	for addr := range listening(t) {
		if !before[addr] {
			t.Errorf("still listening on %s", addr)
		}
	}
}
