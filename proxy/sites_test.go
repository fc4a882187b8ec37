package proxy_test

import (
	"crypto/tls"
	"net/http"
	"strings"
	"testing"

	"dwaar/proxy"
)

func TestSiteIsChosenByHostAndPath(t *testing.T) {
	site := func(text, path string, hosts ...string) proxy.Site {
		return proxy.Site{Hosts: hosts, Path: path, Routes: respond(text)}
	}
	server := start(t, proxy.Config{Listeners: []proxy.Listener{{Address: loopback, Sites: []proxy.Site{
		site("any", ""),
		site("wildcard", "", "*.example.test"),
		site("exact", "", "Www.Example.test"),
		site("exact path", "/api/*", "www.example.test"),
		site("longer path", "/api/v1/*", "www.example.test"),
		site("v6", "", "[::1]", "10.0.0.1"),
		site("idn", "", "bücher.test"),
		site("underscore", "", "my_host.test"),
		site("only path", "/p/*", "path.test"),
	}}}})
	for _, c := range []struct{ host, path, want string }{
		{"www.example.test", "/", "exact"},
		{"WWW.EXAMPLE.TEST", "/", "exact"},
		{"www.example.test:8080", "/", "exact"},
		{"www.example.test.", "/", "exact"},
		{"www.example.test.:80", "/", "exact"},
		{"www.example.test", "/api/x", "exact path"},
		{"www.example.test", "/API/v1/x", "longer path"},
		{"a.example.test", "/", "wildcard"},
		{"a.b.example.test", "/", "any"},
		{"example.test", "/", "any"},
		{"[::1]", "/", "v6"},
		{"[::1]:80", "/", "v6"},
		{"[0:0:0::1]:80", "/", "v6"},
		{"10.0.0.1:8080", "/", "v6"},
		{"xn--bcher-kva.test", "/", "idn"},
		{"my_host.test", "/", "underscore"},
		{"path.test", "/p/x", "only path"},
		{"path.test", "/q", "any"},
	} {
		conn := server.dial(loopback)
		conn.send("GET " + c.path + " HTTP/1.1\r\nHost: " + c.host + "\r\n\r\n")
		if _, got := conn.answer(); got != c.want {
			t.Errorf("%s%s is answered by %q, want %q", c.host, c.path, got, c.want)
		}
	}
	conn := server.dial(loopback)
	conn.send("GET / HTTP/1.0\r\n\r\n")
	if _, got := conn.answer(); got != "any" {
		t.Errorf("a request without Host is answered by %q, want any", got)
	}
}

// What clients send to a proxy has the host of somebody else.
func TestAProxiedSiteGetsOnlyWhatIsForNoOtherSite(t *testing.T) {
	site := func(text, path string, proxied bool, hosts ...string) proxy.Site {
		return proxy.Site{Hosts: hosts, Path: path, Routes: respond(text), Proxied: proxied}
	}
	sites := []proxy.Site{
		site("one", "", false, "one.test"),
		site("below", "/below/*", false, "below.test"),
		site("sub", "", false, "*.sub.test"),
		site("relay", "", true, "127.0.0.1"),
		site("second", "", true, "second.test"),
	}
	server := start(t, proxy.Config{Listeners: []proxy.Listener{{Address: loopback, Sites: sites}, {Address: "localhost:0", TLS: true, Sites: sites}}})
	for _, c := range []struct{ request, want string }{
		{"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "relay"},
		{"GET / HTTP/1.1\r\nHost: ocsp.test\r\n\r\n", "relay"},
		{"GET http://ocsp.test/MFEw//x= HTTP/1.1\r\nHost: ocsp.test\r\n\r\n", "relay"},
		{"GET http://ocsp.test/ HTTP/1.1\r\nHost: one.test\r\n\r\n", "relay"},
		{"GET http://one.test/ HTTP/1.1\r\nHost: ocsp.test\r\n\r\n", "one"},
		{"POST http://ocsp.test:80/ HTTP/1.0\r\nHost: ocsp.test:80\r\nContent-Length: 0\r\n\r\n", "relay"},
		{"POST / HTTP/1.0\r\nContent-Length: 0\r\n\r\n", "relay"},
		{"GET http://169.254.169.254/ HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n", "relay"},
		{"GET / HTTP/1.1\r\nHost: second.test\r\n\r\n", "second"},
		{"GET / HTTP/1.1\r\nHost: a.sub.test\r\n\r\n", "sub"},
		{"GET / HTTP/1.1\r\nHost: below.test\r\n\r\n", "no such site\n"},
		{"CONNECT ocsp.test:443 HTTP/1.1\r\nHost: ocsp.test:443\r\n\r\n", "CONNECT is not allowed\n"},
	} {
		conn := server.dial(loopback)
		conn.send(c.request)
		if _, got := conn.answer(); got != c.want {
			t.Errorf("%q is answered by %q, want %q", c.request, got, c.want)
		}
	}
	for url, want := range map[string]int{"https://ocsp.test/": 421, "https://below.test/": 404, "https://127.0.0.1/": 200} {
		if response, _ := get(t, server.client("localhost:0"), url); response.StatusCode != want {
			t.Errorf("%s = %d, want %d", url, response.StatusCode, want)
		}
	}
}

// A site for any host leaves nothing to a proxied one.
func TestAProxiedSiteStandsBehindOneForAnyHost(t *testing.T) {
	server := start(t, proxy.Config{Listeners: []proxy.Listener{{Address: loopback, Sites: []proxy.Site{
		{Hosts: []string{"127.0.0.1"}, Routes: respond("relay"), Proxied: true}, {Path: "/here", Routes: respond("any")},
	}}}})
	for url, want := range map[string]int{"http://ocsp.test/here": 200, "http://ocsp.test/there": 404} {
		if response, text := get(t, server.client(loopback), url); response.StatusCode != want || text == "relay" {
			t.Errorf("%s = %d %s, want %d", url, response.StatusCode, text, want)
		}
	}
}

func TestUnknownHostIs404OnHTTPAnd421OnHTTPS(t *testing.T) {
	one := []proxy.Site{{Hosts: []string{"one.test"}, Path: "/here", Routes: respond("one")}}
	server := start(t, proxy.Config{Listeners: []proxy.Listener{
		{Address: loopback, Sites: one},
		{Address: "localhost:0", TLS: true, Sites: one},
	}})
	for _, c := range []struct {
		address, url string
		want         int
	}{
		{loopback, "http://one.test/here", 200},
		{loopback, "http://one.test/there", 404},
		{loopback, "http://two.test/here", 404},
		{"localhost:0", "https://one.test/here", 200},
		{"localhost:0", "https://one.test/there", 404},
		{"localhost:0", "https://two.test/here", 421},
	} {
		if response, _ := get(t, server.client(c.address), c.url); response.StatusCode != c.want {
			t.Errorf("%s = %d, want %d", c.url, response.StatusCode, c.want)
		}
	}
}

func TestRequestThatNothingAnswersIs404(t *testing.T) {
	server := start(t, plain(nil))
	if response, text := get(t, server.client(loopback), "http://x.test/"); response.StatusCode != 404 || text != "Not Found\n" {
		t.Errorf("empty site = %d %q", response.StatusCode, text)
	}
}

func TestConfigIsRefusedWithItsProblems(t *testing.T) {
	listener := func(sites ...proxy.Site) proxy.Config {
		return proxy.Config{Listeners: []proxy.Listener{{Address: loopback, Sites: sites}}}
	}
	for _, c := range []struct {
		name string
		cfg  proxy.Config
		want string
	}{
		{"host with port", listener(proxy.Site{Hosts: []string{"a.test:80"}}), `host "a.test:80" has a port, which belongs to the listener`},
		{"middle wildcard", listener(proxy.Site{Hosts: []string{"a.*.test"}}), `host "a.*.test" is neither a name, nor *. and a name, nor an address`},
		{"bad host", listener(proxy.Site{Hosts: []string{"a b"}}), `host "a b" is neither`},
		{"bad path", listener(proxy.Site{Path: "x"}), `path pattern "x" starts neither with / nor with *`},
		{"twice", proxy.Config{Listeners: []proxy.Listener{{Address: loopback}, {Address: loopback}}}, "listener 127.0.0.1:0 is there twice"},
		{"negative timeout", proxy.Config{Timeouts: proxy.Timeouts{Idle: -1}}, "idle is negative: -1ns"},
		{"negative header", proxy.Config{MaxHeaderBytes: -1}, "max_header_bytes is negative: -1"},
		{"not an address", proxy.Config{Listeners: []proxy.Listener{{Address: "nonsense"}}}, "listening on nonsense: "},
		{"no upstream", listener(proxy.Site{Routes: proxyTo()}), "site any host on 127.0.0.1:0: reverse_proxy: no upstream"},
	} {
		server := proxy.New(nil)
		_, err := server.Prepare(c.cfg, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
	two := listener(proxy.Site{Hosts: []string{"a:1"}}, proxy.Site{Hosts: []string{"b:1"}})
	if err := two.Check(); err == nil || !strings.Contains(err.Error(), "a:1") || !strings.Contains(err.Error(), "b:1") {
		t.Errorf("Check = %v, want both problems", err)
	}
	withoutCertificates := proxy.Config{Listeners: []proxy.Listener{{Address: loopback, TLS: true}}}
	_, err := proxy.New(nil).Prepare(withoutCertificates, func(string) *tls.Config { return nil })
	if err == nil || err.Error() != "listening on 127.0.0.1:0: no certificates for it" {
		t.Errorf("TLS without configuration: %v", err)
	}
}

func TestHTTPSRedirectKeepsHostPathAndQuery(t *testing.T) {
	server := start(t, plain(redirectTo(8443)))
	standard := start(t, plain(redirectTo(443)))
	for _, c := range []struct {
		server     *running
		host, want string
	}{
		{server, "a.test:8080", "https://a.test:8443/x%2Fy?q=1;2"},
		{server, "[::1]:8080", "https://[::1]:8443/x%2Fy?q=1;2"},
		{standard, "a.test:80", "https://a.test/x%2Fy?q=1;2"},
		{standard, "[::1]", "https://[::1]/x%2Fy?q=1;2"},
	} {
		conn := c.server.dial(loopback)
		conn.send("POST /x%2Fy?q=1;2 HTTP/1.1\r\nHost: " + c.host + "\r\nContent-Length: 0\r\n\r\n")
		response, _ := conn.answer()
		if got := response.Header.Get("Location"); response.StatusCode != http.StatusPermanentRedirect || got != c.want {
			t.Errorf("%s: %d to %q, want 308 to %q", c.host, response.StatusCode, got, c.want)
		}
	}
	conn := standard.dial(loopback)
	conn.send("GET / HTTP/1.0\r\n\r\n")
	if response, _ := conn.answer(); response.StatusCode != 400 {
		t.Errorf("redirect without Host = %d, want 400", response.StatusCode)
	}
}

func TestConnectIsRefused(t *testing.T) {
	conn := start(t, plain(respond("x"))).dial(loopback)
	conn.send("CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n")
	if response, _ := conn.answer(); response.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("CONNECT = %d, want 405", response.StatusCode)
	}
}
