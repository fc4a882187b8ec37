package ocspsvc_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net"
	"os/exec"
	"strings"
	"testing"

	"dwaar/ocspsvc"
	"dwaar/ocspsvc/ocsptest"
)

// sized signs a good response of n octets, by a key whose signatures all have
// the same length.
func sized(t *testing.T, leaf *ocsptest.Leaf, n int) []byte {
	t.Helper()
	padded := func(padding int) []byte {
		pad := pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 2}, Value: make([]byte, padding)}
		return sign(t, leaf.Issuer, ocspsvc.Template{Singles: []ocspsvc.Single{good(t, leaf)}, Extensions: []pkix.Extension{pad}}).Raw
	}
	return padded(n - 1000 + n - len(padded(n-1000)))
}

// sclient is what `openssl s_client -status` says to a server with a staple.
func sclient(t *testing.T, leaf *ocsptest.Leaf, staple []byte, version uint16) string {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{MaxVersion: version, Certificates: []tls.Certificate{{
		Certificate: [][]byte{leaf.Cert.Raw, leaf.Issuer.Cert.Raw}, PrivateKey: leaf.Key, OCSPStaple: staple,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		if conn, err := listener.Accept(); err == nil {
			_ = conn.(*tls.Conn).Handshake()
			conn.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	cmd := exec.CommandContext(t.Context(), "openssl", "s_client", "-connect", "127.0.0.1:"+port, "-status")
	out, err := cmd.CombinedOutput()
	if len(out) == 0 {
		t.Fatal(err)
	}
	return string(out)
}

func TestTheLargestResponseGoesThroughEveryHandshake(t *testing.T) {
	leaf := ocsptest.NewCA(t, ocsptest.Key(ocsptest.Ed25519)).Leaf(t)
	largest := sized(t, leaf, ocspsvc.MaxResponseSize)
	if len(largest) != ocspsvc.MaxResponseSize {
		t.Fatalf("%d octets", len(largest))
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		if out := sclient(t, leaf, largest, version); !strings.Contains(out, "Cert Status: good") {
			t.Errorf("%s: openssl says\n%.2000s", tls.VersionName(version), out)
		}
	}
	out := sclient(t, leaf, append(bytes.Clone(largest), 0), tls.VersionTLS12)
	if !strings.Contains(out, "excessive message size") {
		t.Errorf("openssl takes more than MaxResponseSize by now:\n%.2000s", out)
	}
}
