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
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"dwaar/proxy"
	"dwaar/proxy/accesslog"
	"dwaar/proxy/tlspolicy"
)

// staff is a CA of clients, in a file, and a certificate it has issued.
type staff struct {
	file   string
	client tls.Certificate
}

func newStaff(t *testing.T) staff {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	make := func(template, parent *x509.Certificate) (*x509.Certificate, []byte) {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		if parent == nil {
			parent = template
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return cert, der
	}
	ca, der := make(&x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: t.Name()},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, nil)
	_, leaf := make(&x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "ann"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, ca)
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return staff{file, tls.Certificate{Certificate: [][]byte{leaf}, PrivateKey: key}}
}

func (s staff) only() *tlspolicy.Config {
	return &tlspolicy.Config{ClientAuth: &tlspolicy.ClientAuth{TrustPool: []string{s.file}}}
}

// guarded are a site for all, one for staff, and one for other staff.
func guarded(own, other staff) proxy.Config {
	return proxy.Config{DefaultSNI: "default.test", Listeners: []proxy.Listener{{Address: loopback, TLS: true, Sites: []proxy.Site{
		{Hosts: []string{"open.test", "default.test"}, Routes: respond("open")},
		{Hosts: []string{"also.test"}, Routes: respond("also")},
		{Hosts: []string{"staff.test", "clerks.test", "127.0.0.1"}, Routes: respond("staff"), TLS: own.only()},
		{Hosts: []string{"same.test"}, Routes: respond("same"), TLS: own.only()},
		{Hosts: []string{"other.test"}, Routes: respond("other"), TLS: other.only()},
		{Hosts: []string{"new.test"}, Routes: respond("new"), TLS: &tlspolicy.Config{MinVersion: "tls1.3"}},
		{Hosts: []string{"*.example.test"}, Routes: respond("wildcard"), TLS: own.only()},
	}}}}
}

// secured opens a TLS connection as a client that may be up to anything.
func (r *running) secured(config *tls.Config) (*tls.Conn, error) {
	r.t.Helper()
	config.RootCAs, config.InsecureSkipVerify = rootsOf(r.tls), config.ServerName == ""
	conn, err := tls.Dial("tcp", r.addr(loopback), config)
	if err != nil {
		return nil, err
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	// In TLS 1.3 a client that is refused finds out by reading.
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	return conn, nil
}

// ask sends a request by hand and returns the status and the text, or 0 for none.
func ask(t *testing.T, conn *tls.Conn, target, host string) (int, string) {
	t.Helper()
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, host); err != nil {
		return 0, err.Error()
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, body(t, response)
}

func TestAConnectionReachesNoSiteWithOtherTLSOptions(t *testing.T) {
	own, other := newStaff(t), newStaff(t)
	r := start(t, guarded(own, other))
	for _, c := range []struct {
		sni    string
		cert   *tls.Certificate
		target string
		host   string
		status int
		text   string
	}{
		{"open.test", nil, "/", "open.test", 200, "open"},
		{"open.test", nil, "/", "also.test", 200, "also"},
		{"staff.test", &own.client, "/", "staff.test", 200, "staff"},
		{"staff.test", &own.client, "/", "clerks.test", 200, "staff"}, // the same site
		{"STAFF.test", &own.client, "/", "staff.test", 200, "staff"},
		{"staff.test", &own.client, "/", "STAFF.TEST.:443", 200, "staff"},
		{"a.example.test", &own.client, "/", "b.example.test", 200, "wildcard"},

		{"open.test", nil, "/", "staff.test", 421, ""},
		{"open.test", nil, "/", "Staff.Test", 421, ""},
		{"open.test", nil, "/", "staff.test.", 421, ""},
		{"open.test", nil, "/", "staff.test:443", 421, ""},
		{"open.test", nil, "/", "staff.test.:8443", 421, ""},
		{"open.test", nil, "https://staff.test/", "open.test", 421, ""},
		{"open.test", nil, "https://staff.test:1/", "open.test", 421, ""},
		{"open.test", nil, "/", "a.example.test", 421, ""},
		{"open.test", nil, "/", "new.test", 421, ""},
		{"open.test", &own.client, "/", "staff.test", 421, ""}, // it was not asked for
		{"staff.test", &own.client, "/", "open.test", 421, ""},
		{"staff.test", &own.client, "/", "other.test", 421, ""},
		{"staff.test", &own.client, "/", "same.test", 421, ""}, // another site, though of the same CA
		{"staff.test", &own.client, "/", "a.example.test", 421, ""},
		{"new.test", nil, "/", "staff.test", 421, ""},
		{"", nil, "/", "staff.test", 0, ""}, // the address is the site's
	} {
		config := &tls.Config{ServerName: c.sni}
		if c.cert != nil {
			config.Certificates = []tls.Certificate{*c.cert}
		}
		conn, err := r.secured(config)
		if err != nil {
			t.Errorf("SNI %q: %v", c.sni, err)
			continue
		}
		status, text := ask(t, conn, c.target, c.host)
		if status != c.status || status == 200 && text != c.text {
			t.Errorf("SNI %q, certificate %v, %s of %s: %d %q, want %d %q", c.sni, c.cert != nil, c.target, c.host, status, text, c.status, c.text)
		}
	}
}

func TestAClientWithoutSNIGetsTheOptionsOfDefaultSNI(t *testing.T) {
	own, other := newStaff(t), newStaff(t)
	cfg := guarded(own, other)
	cfg.Listeners[0].Sites[2].Hosts = []string{"staff.test", "clerks.test"}
	r := start(t, cfg)
	for host, want := range map[string]int{"open.test": 200, "also.test": 200, "staff.test": 421} {
		conn, err := r.secured(&tls.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if status, text := ask(t, conn, "/", host); status != want {
			t.Errorf("%s: %d %q, want %d", host, status, text, want)
		}
	}
	cfg.DefaultSNI = "staff.test"
	r.apply(cfg)
	conn, err := r.secured(&tls.Config{})
	if err == nil {
		if status, _ := ask(t, conn, "/", "staff.test"); status != 0 {
			t.Errorf("a client without SNI and certificate: %d", status)
		}
	}
}

func TestClientsOfOthersGetNoConnection(t *testing.T) {
	own, other := newStaff(t), newStaff(t)
	r := start(t, guarded(own, other))
	for name, certs := range map[string][]tls.Certificate{"none": nil, "another CA's": {other.client}} {
		conn, err := r.secured(&tls.Config{ServerName: "staff.test", GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if certs == nil {
				return new(tls.Certificate), nil
			}
			return &certs[0], nil
		}})
		if err != nil {
			continue
		}
		if status, _ := ask(t, conn, "/", "staff.test"); status != 0 {
			t.Errorf("certificate %s: %d", name, status)
		}
	}
}

func TestHTTP2CoalescingReachesNoSiteWithOtherTLSOptions(t *testing.T) {
	own, other := newStaff(t), newStaff(t)
	r := start(t, guarded(own, other))
	addr := r.addr(loopback)
	transport := &http.Transport{
		ForceAttemptHTTP2: true,
		TLSClientConfig:   &tls.Config{RootCAs: rootsOf(r.tls), ServerName: "open.test"},
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", addr)
		},
	}
	defer transport.CloseIdleConnections()
	for host, want := range map[string]int{"open.test": 200, "also.test": 200, "staff.test": 421, "STAFF.test": 421, "staff.test:443": 421, "new.test": 421} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://open.test/", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = host
		response, err := transport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want || response.ProtoMajor != 2 {
			t.Errorf("%s: %s over %s, want %d", host, response.Status, response.Proto, want)
		}
	}
}

// A connection that was made before the site asked for certificates proves nothing.
func TestAReloadThatAsksForCertificatesHoldsForOpenConnections(t *testing.T) {
	own, other := newStaff(t), newStaff(t)
	cfg := guarded(own, other)
	cfg.Listeners[0].Sites = []proxy.Site{{Hosts: []string{"staff.test"}, Routes: respond("staff")}}
	r := start(t, cfg)
	conn, err := r.secured(&tls.Config{ServerName: "staff.test"})
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := ask(t, conn, "/", "staff.test"); status != 200 {
		t.Fatalf("before: %d", status)
	}
	cfg.Listeners[0].Sites = []proxy.Site{{Hosts: []string{"staff.test"}, Routes: respond("staff"), TLS: own.only()}}
	r.apply(cfg)
	if status, _ := ask(t, conn, "/", "staff.test"); status != 421 {
		t.Errorf("on a connection from before: %d", status)
	}
	conn, err = r.secured(&tls.Config{ServerName: "staff.test", Certificates: []tls.Certificate{own.client}})
	if err != nil {
		t.Fatal(err)
	}
	r.apply(cfg) // unchanged
	if status, _ := ask(t, conn, "/", "staff.test"); status != 200 {
		t.Errorf("after a reload without change: %d", status)
	}
	moved := newStaff(t)
	text, err := os.ReadFile(moved.file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(own.file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	r.apply(cfg) // another CA in the same file
	if status, _ := ask(t, conn, "/", "staff.test"); status != 421 {
		t.Errorf("after its CA has gone: %d", status)
	}
}

func TestSitesOfOneHostAgreeOnTLSOptions(t *testing.T) {
	own := newStaff(t)
	cfg := proxy.Config{Listeners: []proxy.Listener{{Address: loopback, TLS: true, Sites: []proxy.Site{
		{Hosts: []string{"a.test"}, Path: "/a*", Routes: respond("a"), TLS: own.only()},
		{Hosts: []string{"A.test."}, Routes: respond("b")},
	}}}}
	r := start(t, plain(respond("")))
	if _, err := r.Prepare(cfg, func(string) *tls.Config { return r.tls }); err == nil {
		t.Error("two policies for one host are accepted")
	}
}

func TestHTTP3ReachesNoSiteWithOtherTLSOptions(t *testing.T) {
	own, other := newStaff(t), newStaff(t)
	cfg := guarded(own, other)
	cfg.Listeners[0].Sites = append(cfg.Listeners[0].Sites,
		proxy.Site{Hosts: []string{"tcp.test"}, Routes: respond("tcp"), TLS: &tlspolicy.Config{ALPN: []string{"h2", "http/1.1"}}})
	r := start(t, cfg)
	addr := r.addr(loopback)
	for _, c := range []struct {
		sni, host string
		cert      *tls.Certificate
		status    int // 0: no connection
	}{
		{"open.test", "open.test", nil, 200},
		{"open.test", "also.test", nil, 200},
		{"open.test", "staff.test", nil, 421},
		{"open.test", "Staff.test.", nil, 421},
		{"open.test", "tcp.test", nil, 421},
		{"staff.test", "staff.test", &own.client, 200},
		{"staff.test", "other.test", &own.client, 421},
		{"staff.test", "open.test", &own.client, 421},
		{"staff.test", "staff.test", nil, 0},
		{"tcp.test", "tcp.test", nil, 0},
	} {
		config := &tls.Config{RootCAs: rootsOf(r.tls), ServerName: c.sni}
		if c.cert != nil {
			config.Certificates = []tls.Certificate{*c.cert}
		}
		transport := &http3.Transport{TLSClientConfig: config, Dial: func(ctx context.Context, _ string, config *tls.Config, q *quic.Config) (*quic.Conn, error) {
			return quic.DialAddr(ctx, addr, config, q)
		}}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+c.sni+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = c.host
		response, err := transport.RoundTrip(request)
		switch {
		case err != nil && c.status != 0:
			t.Errorf("SNI %s, %s: %v", c.sni, c.host, err)
		case err == nil:
			if _ = response.Body.Close(); response.StatusCode != c.status {
				t.Errorf("SNI %s, %s: %s, want %d", c.sni, c.host, response.Status, c.status)
			}
		}
		_ = transport.Close()
	}
	for host, announced := range map[string]bool{"open.test": true, "tcp.test": false} {
		if response, _ := get(t, r.client(loopback), "https://"+host); (response.Header.Get("Alt-Svc") != "") != announced {
			t.Errorf("%s: Alt-Svc %q", host, response.Header.Get("Alt-Svc"))
		}
	}
}

// A CA that validates a name (RFC 8737) has no certificate of the site's staff, and
// reaches nothing but the challenge.
func TestAValidationIsAskedForNoCertificate(t *testing.T) {
	own, other := newStaff(t), newStaff(t)
	r := start(t, proxy.Config{})
	challenge := r.tls.Clone()
	challenge.NextProtos = []string{"acme-tls/1"}
	r.tls.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if slices.Contains(hello.SupportedProtos, "acme-tls/1") {
			return challenge, nil
		}
		return nil, nil
	}
	r.apply(guarded(own, other))
	conn, err := r.secured(&tls.Config{ServerName: "staff.test", NextProtos: []string{"acme-tls/1"}})
	if err != nil {
		t.Fatalf("the validation of a site with client_auth: %v", err)
	}
	if status, text := ask(t, conn, "/", "staff.test"); status != 0 {
		t.Errorf("over the connection of a validation: %d %q", status, text)
	}
	if conn, err := r.secured(&tls.Config{ServerName: "staff.test"}); err == nil {
		if status, _ := ask(t, conn, "/", "staff.test"); status != 0 {
			t.Errorf("another client without a certificate: %d", status)
		}
	}
}

func TestAnUnknownSNIGetsTheOptionsOfDefaultSNI(t *testing.T) {
	own, other := newStaff(t), newStaff(t)
	cfg := guarded(own, other)
	r := start(t, cfg)
	for host, want := range map[string]int{"open.test": 200, "staff.test": 421, "unknown.test": 421} {
		conn, err := r.secured(&tls.Config{ServerName: "unknown.test"})
		if err != nil {
			t.Fatal(err)
		}
		if status, text := ask(t, conn, "/", host); status != want {
			t.Errorf("%s: %d %q, want %d", host, status, text, want)
		}
	}
	cfg.DefaultSNI = "staff.test"
	r.apply(cfg)
	if conn, err := r.secured(&tls.Config{ServerName: "unknown.test"}); err == nil {
		if status, _ := ask(t, conn, "/", "staff.test"); status != 0 {
			t.Errorf("with a guarded site as default: %d", status)
		}
	}
}

// Who tries to get around client_auth is in the log of the site.
func TestAMisdirectedRequestIsRecorded(t *testing.T) {
	own, other := newStaff(t), newStaff(t)
	cfg := guarded(own, other)
	path := filepath.Join(t.TempDir(), "access.log")
	cfg.Listeners[0].Sites[2].Logs = []accesslog.Config{{Output: path}}
	r := start(t, cfg)
	conn, err := r.secured(&tls.Config{ServerName: "open.test"})
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := ask(t, conn, "/secret", "staff.test"); status != 421 {
		t.Fatalf("%d", status)
	}
	r.stop()
	lines := recorded(t, path)
	if len(lines) != 1 || lines[0]["status"] != 421.0 {
		t.Errorf("the log has %v", lines)
	}
}
