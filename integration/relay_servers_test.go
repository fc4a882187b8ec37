package integration

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"dwaar/integration/internal/client"
	"dwaar/integration/internal/dwaar"
	"dwaar/integration/internal/pki"
	"dwaar/integration/internal/webserver"
)

// stall is a web server that is not dwaar, with a certificate, and a relay for it.
type stall struct {
	*webserver.Server
	t     *testing.T
	relay *relayHouse
	leaf  *pki.Leaf
}

// newStall has a relay that knows the certificate of www.example.com.
func newStall(t *testing.T) *stall {
	t.Helper()
	s := &stall{Server: webserver.New(t), t: t, relay: newRelayHouse(t)}
	s.leaf = s.relay.leaf("www.example.com")
	whole := append(pki.CertPEM(s.leaf.Chain()...), pki.PKCS8(t, s.leaf.Key)...)
	pki.WriteFile(t, s.Path("www.pem"), whole)
	pki.WriteFile(t, s.Path("www.key"), pki.PKCS8(t, s.leaf.Key))
	pki.WriteFile(t, s.Path("chain.pem"), pki.CertPEM(s.relay.CA.Cert.Raw, s.relay.CA.Root().Cert.Raw))
	s.relay.starts("certificates " + s.Path("www.pem"))
	return s
}

// page is the only block of that language in docs/relay.md, as this machine needs it.
func (s *stall) page(language string) string {
	s.t.Helper()
	text, err := os.ReadFile("../docs/relay.md")
	if err != nil {
		s.t.Fatal(err)
	}
	blocks := strings.Split(string(text), "```"+language+"\n")
	if len(blocks) != 2 {
		s.t.Fatalf("docs/relay.md has %d blocks of %s, want one", len(blocks)-1, language)
	}
	block, _, _ := strings.Cut(blocks[1], "```")
	return s.here(block)
}

// here replaces what the page calls otherwise.
func (s *stall) here(text string) string {
	_, port, _ := net.SplitHostPort(s.Addr)
	return strings.NewReplacer(
		"http://127.0.0.1:8888", s.relay.URL(), "/etc/ssl/", s.Dir+"/", "/run/apache2/", s.Dir+"/",
		"*:443", "127.0.0.1:"+port, "[*]:443", "[127.0.0.1]:"+port, "listen 443 ssl", "listen "+s.Addr+" ssl", "bind :443", "bind "+s.Addr,
	).Replace(text)
}

// command is the line of the page that begins so.
func (s *stall) command(begin string) []string {
	s.t.Helper()
	text, err := os.ReadFile("../docs/relay.md")
	if err != nil {
		s.t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(begin) + `.*$`).FindString(string(text))
	if line == "" {
		s.t.Fatalf("docs/relay.md has no line %q", begin)
	}
	return strings.Fields(s.here(line))
}

// fetches has the answer written beside the certificate, as the page says.
func (s *stall) fetches() dwaar.Result {
	s.t.Helper()
	return dwaar.Run(s.t, binaries.Plain, s.command("dwaar ocsp fetch")[1:]...)
}

// staples fails the test unless every client sees a good staple, and does so at once.
func (s *stall) staples(when string) {
	s.t.Helper()
	shown, err := client.Target{Addr: s.Addr, Name: "www.example.com", Roots: s.relay.CA.Pool()}.Do()
	if err == nil {
		err = shown.GoodStaple()
	}
	if err != nil {
		s.t.Fatalf("%s: %v", when, err)
	}
	if out := client.SClient(s.t, s.Addr, "www.example.com", s.relay.roots, tls.VersionTLS12); !out.Has("Cert Status: good", "Verify return code: 0 (ok)") {
		s.t.Errorf("%s: openssl s_client -status:\n%s", when, out.Text)
	}
	if out := client.Curl(s.t, s.Addr, "www.example.com", s.relay.roots, tls.VersionTLS12); out.Code != 0 && out.Code != 52 && out.Code != 22 {
		s.t.Errorf("%s: curl --cert-status exits %d\n%s", when, out.Code, out.Text)
	}
}

// Issue 6: Apache staples through the relay, from the first handshake on, and also while the
// responder of the CA is down.
func TestApacheStaplesThroughTheRelay(t *testing.T) {
	t.Parallel()
	for name, change := range map[string][2]string{
		"as a responder": {},
		"as a proxy":     {"SSLStaplingForceURL", "SSLOCSPProxyURL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStall(t)
			s.relay.prefetched(1)
			asked := s.relay.OCSP.Requests()
			s.relay.OCSP.Down()
			text := s.page("apache")
			if change[0] != "" {
				text = strings.Replace(text, change[0], change[1], 1)
			}
			s.Apache(text)
			s.staples("the first handshakes, with the responder down")
			if n := s.relay.OCSP.Requests(); n != asked {
				t.Errorf("the responder was asked %d times by way of Apache", n-asked)
			}
		})
	}
}

// nginx asks after the first handshake, and verifies what it gets.
func TestNginxStaplesThroughTheRelay(t *testing.T) {
	t.Parallel()
	s := newStall(t)
	s.relay.prefetched(1)
	s.relay.OCSP.Down()
	s.Nginx(s.page("nginx"))
	s.relay.awaitStapleAt(s.Addr, "www.example.com")
	s.staples("after the first handshake, with the responder down")
}

// HAProxy and hitch read a file, which dwaar ocsp fetch gets from the relay.
func TestServersThatReadAFileStapleThroughTheRelay(t *testing.T) {
	t.Parallel()
	s := newStall(t)
	s.relay.prefetched(1)
	s.relay.OCSP.Down()
	if got := s.fetches(); got.Code != 0 {
		t.Fatalf("dwaar ocsp fetch: %s", got.Text())
	}
	t.Run("haproxy", func(t *testing.T) {
		s.HAProxy(s.page("haproxy"))
		s.staples("haproxy, with the responder down")
		s.updatesHAProxy()
		s.Stop()
	})
	t.Run("hitch", func(t *testing.T) {
		s.Hitch(s.page("hitch"))
		s.staples("hitch, with the responder down")
		s.Stop()
	})
}

// updatesHAProxy gives a running HAProxy another answer, by the command of the page.
func (s *stall) updatesHAProxy() {
	s.t.Helper()
	line := strings.Join(s.command("printf 'set ssl ocsp-response"), " ")
	command, _, _ := strings.Cut(line, " | ")
	out := client.RunTool(s.t, "sh", "-c", command)
	conn, err := net.Dial("unix", s.Path("admin.sock"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, out.Text)
	answer := make([]byte, 256)
	n, err := conn.Read(answer)
	if err != nil || !strings.Contains(string(answer[:n]), "OCSP Response updated!") {
		s.t.Errorf("haproxy says %q, %v", answer[:n], err)
	}
}

// What cannot be had does not take the place of the file.
func TestFetchThroughTheRelayKeepsTheFile(t *testing.T) {
	t.Parallel()
	s := newStall(t)
	s.relay.prefetched(1)
	if got := s.fetches(); got.Code != 0 {
		t.Fatalf("dwaar ocsp fetch: %s", got.Text())
	}
	before, err := os.ReadFile(s.Path("www.pem.ocsp"))
	if err != nil {
		t.Fatal(err)
	}
	s.relay.Stop()
	if got := s.fetches(); got.Code != 1 {
		t.Errorf("without a relay: exit %d\n%s", got.Code, got.Text())
	}
	after, err := os.ReadFile(filepath.Join(s.Dir, "www.pem.ocsp"))
	if err != nil || string(after) != string(before) {
		t.Errorf("the file has changed: %v", err)
	}
}
