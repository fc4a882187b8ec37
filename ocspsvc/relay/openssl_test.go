package relay_test

import (
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"dwaar/ocspsvc/ocsptest"
	"dwaar/ocspsvc/responder"
)

// OpenSSL asks the relay as a responder, and as the proxy on the way to one.
func TestOpenSSLBelievesTheRelay(t *testing.T) {
	d := newDesk(t)
	server := httptest.NewServer(responder.Handler(d.relay, responder.Options{}))
	t.Cleanup(server.Close)
	files := []string{
		"-issuer", d.file("issuer.pem", ocsptest.CertPEM(d.ca.Cert)), "-CAfile", d.file("root.pem", ocsptest.CertPEM(d.ca.Root.Cert)),
		"-cert", d.file("leaf.pem", ocsptest.CertPEM(d.ca.Leaf(t).Cert)),
	}
	another := []string{"-cert", d.file("other.pem", ocsptest.CertPEM(d.ca.Leaf(t).Cert))}
	direct := []string{"-url", server.URL}
	proxied := []string{"-url", "http://ocsp.example/some/path", "-proxy", server.URL}
	for _, c := range []struct {
		name string
		args []string
		more []string // certificates
		want string
		hits int // at the responder, in all
	}{
		{"a nonce is passed on", direct, nil, "leaf.pem: good", 1},
		{"without one the answer is kept", append(direct, "-no_nonce"), nil, "leaf.pem: good", 2},
		{"and comes from memory", append(direct, "-no_nonce"), nil, "leaf.pem: good", 2},
		{"as from a proxy", append(proxied, "-no_nonce"), nil, "leaf.pem: good", 2},
		{"a nonce through a proxy", proxied, nil, "leaf.pem: good", 3},
		{"several certificates", append(direct, "-no_nonce"), another, "other.pem: good", 4},
		{"another hash", append(direct, "-no_nonce", "-sha256"), nil, "leaf.pem: good", 5},
	} {
		args := slices.Concat([]string{"ocsp"}, c.args, files, c.more)
		out, err := exec.CommandContext(t.Context(), "openssl", args...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "Response verify OK") || !strings.Contains(string(out), c.want) || strings.Contains(string(out), "WARNING") {
			t.Errorf("%s: openssl %s: %v\n%s", c.name, strings.Join(args, " "), err, out)
		}
		if n := d.responder.Count(); n != c.hits {
			t.Errorf("%s: %d requests at the responder, want %d", c.name, n, c.hits)
		}
	}
}
