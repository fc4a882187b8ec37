package proxy_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"testing"

	"dwaar/proxy"
)

const tokenPath = "/.well-known/acme-challenge/token"

// knowsToken answers a CA that asks for the token, and nobody else.
func knowsToken(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Path != tokenPath {
		return false
	}
	_, _ = io.WriteString(w, "answer for "+r.Host)
	return true
}

// A1: before the redirect to https, for hosts that no site has, over http and https.
func TestAChallengeIsAnsweredBeforeSitesAndRedirects(t *testing.T) {
	server := start(t, proxy.Config{Listeners: []proxy.Listener{
		{Address: loopback, Sites: []proxy.Site{{Hosts: []string{"one.test"}, Routes: redirectTo(443)}}},
		{Address: "localhost:0", TLS: true, Sites: []proxy.Site{{Hosts: []string{"one.test"}, Routes: respond("site")}}},
	}})
	server.SetChallenges(knowsToken)
	for _, c := range []struct {
		address, url string
		status       int
		want         string // "" for anything
	}{
		{loopback, "http://one.test" + tokenPath, 200, "answer for one.test"},
		{loopback, "http://two.test" + tokenPath, 200, "answer for two.test"},
		{"localhost:0", "https://one.test" + tokenPath, 200, "answer for one.test"},
		{"localhost:0", "https://two.test" + tokenPath, 200, "answer for two.test"},
		{loopback, "http://one.test/", 308, ""},
		{loopback, "http://two.test/", 404, "no such site\n"},
		{"localhost:0", "https://one.test/", 200, "site"},
		// What it does not handle goes on to the site.
		{"localhost:0", "https://one.test/.well-known/acme-challenge/other", 200, "site"},
		{loopback, "http://one.test/.well-known/acme-challenge/other", 308, ""},
	} {
		response, text := get(t, server.client(c.address), c.url)
		if response.StatusCode != c.status || c.want != "" && text != c.want {
			t.Errorf("%s = %d %q, want %d %q", c.url, response.StatusCode, text, c.status, c.want)
		}
	}
}

func TestOnlyChallengePathsAskWhoAnswersChallenges(t *testing.T) {
	server := start(t, plain(respond("site")))
	server.SetChallenges(func(_ http.ResponseWriter, r *http.Request) bool {
		t.Errorf("asked for %s", r.URL.Path)
		return true
	})
	for _, path := range []string{
		"/", "/.well-known/", "/.well-known/acme-challenge", "/.well-known/acme-challengers/x", "/x/.well-known/acme-challenge/token",
		"//.well-known/acme-challenge/token", "/.Well-Known/acme-challenge/token",
	} {
		conn := server.dial(loopback)
		conn.send("GET " + path + " HTTP/1.1\r\nHost: one.test\r\n\r\n")
		if _, got := conn.answer(); got != "site" {
			t.Errorf("%s is answered by %q", path, got)
		}
	}
}

func TestChallengesOutliveReloadsAndCanEnd(t *testing.T) {
	server := start(t, plain(respond("site")))
	client := server.client(loopback)
	answers := func(want string) {
		t.Helper()
		if _, got := get(t, client, "http://one.test"+tokenPath); got != want {
			t.Errorf("answered by %q, want %q", got, want)
		}
	}
	answers("site")
	server.SetChallenges(knowsToken)
	answers("answer for one.test")
	server.apply(plain(respond("another site")))
	answers("answer for one.test")
	server.SetChallenges(nil)
	answers("another site")
}

// RFC 8737: the handshake is all there is to it, and what follows must not reach a site.
// net/http closes connections of a protocol it does not know.
func TestAValidationConnectionEndsWithItsHandshake(t *testing.T) {
	server := start(t, plain(nil))
	server.tls.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		config := &tls.Config{Certificates: server.tls.Certificates, NextProtos: hello.SupportedProtos}
		return config, nil
	}
	cfg := plain(nil)
	cfg.Listeners = append(cfg.Listeners, proxy.Listener{Address: "localhost:0", TLS: true, Sites: []proxy.Site{{Routes: respond("site")}}})
	server.apply(cfg)
	for version := range map[uint16]bool{tls.VersionTLS12: true, tls.VersionTLS13: true} {
		for protocol, want := range map[string]string{"acme-tls/1": "", "http/1.1": "HTTP/1.1 200 OK"} {
			plainConn, err := net.Dial("tcp", server.addr("localhost:0"))
			if err != nil {
				t.Fatal(err)
			}
			conn := tls.Client(plainConn, &tls.Config{
				ServerName: "one.test", RootCAs: rootsOf(server.tls), NextProtos: []string{protocol}, MaxVersion: version,
			})
			if err := conn.Handshake(); err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: one.test\r\nConnection: close\r\n\r\n")
			text, _ := io.ReadAll(conn)
			if got := string(text[:min(len(text), len(want))]); got != want || len(want) == 0 && len(text) > 0 {
				t.Errorf("%s in %#x got %q, want %q", protocol, version, text, want)
			}
			_ = conn.Close()
		}
	}
}
