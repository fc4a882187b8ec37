package localca_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dwaar/acme/localca"
)

func TestALeafVerifiesForEveryNameAskedFor(t *testing.T) {
	ca := newCA(t, t.TempDir())
	names := []string{"localhost", "*.dev.localhost", "example.com", "127.0.0.1", "::1"}
	leaf, intermediate := issued(t, ca, names...)
	asked := []string{"localhost", "a.dev.localhost", "example.com", "127.0.0.1", "::1"}
	for _, name := range asked {
		_, err := leaf.Verify(x509.VerifyOptions{
			DNSName: name, Roots: pool(rootOf(t, ca)), Intermediates: pool(intermediate),
			KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := leaf.Verify(x509.VerifyOptions{DNSName: "other.localhost", Roots: pool(rootOf(t, ca)), Intermediates: pool(intermediate)}); err == nil {
		t.Error("the leaf verifies for a name nobody asked for")
	}
}

// openssl is the strictest judge at hand: -x509_strict checks what RFC 5280 wants of
// extensions.
func TestOpenSSLVerifiesTheChain(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	ca := newCA(t, dir)
	chain, err := ca.Issue(t.Context(), request(t, "localhost", "127.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "chain.pem")
	if err := os.WriteFile(file, chain, 0o600); err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(dir, "pki", "local", "root.crt")
	for _, name := range [][]string{{"-verify_hostname", "localhost"}, {"-verify_ip", "127.0.0.1"}} {
		args := append([]string{"verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", root, "-untrusted", file}, name...)
		if out, err := exec.Command(openssl, append(args, file)...).CombinedOutput(); err != nil {
			t.Errorf("openssl verify %v: %v\n%s", name, err, out)
		}
	}
}

func TestALeafIsBoundedAndSaysThatNothingRevokesIt(t *testing.T) {
	leaf, intermediate := issued(t, newCA(t, t.TempDir()), "localhost")
	if life := time.Until(leaf.NotAfter); life > localca.LeafLifetime || life < localca.LeafLifetime-time.Minute {
		t.Errorf("the leaf lives for %v, want %v", life, localca.LeafLifetime)
	}
	if leaf.NotAfter.After(intermediate.NotAfter) || leaf.NotBefore.Before(intermediate.NotBefore.Add(-time.Second)) {
		t.Errorf("the leaf's time %v–%v is not within the intermediate's %v–%v", leaf.NotBefore, leaf.NotAfter, intermediate.NotBefore, intermediate.NotAfter)
	}
	if n := len(leaf.OCSPServer) + len(leaf.IssuingCertificateURL) + len(leaf.CRLDistributionPoints); n != 0 {
		t.Errorf("the leaf has %d addresses to ask", n)
	}
	noRevAvail := slices.ContainsFunc(leaf.Extensions, func(e pkix.Extension) bool {
		return e.Id.String() == "2.5.29.56" && !e.Critical && string(e.Value) == "\x05\x00"
	})
	if !noRevAvail {
		t.Error("the leaf lacks noRevAvail (RFC 9608)")
	}
	if leaf.IsCA || leaf.KeyUsage != x509.KeyUsageDigitalSignature || !slices.Equal(leaf.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}) {
		t.Errorf("the leaf may do more than serve TLS: CA %v, usage %v %v", leaf.IsCA, leaf.KeyUsage, leaf.ExtKeyUsage)
	}
}

func TestTheIntermediateCertifiesLeavesOnly(t *testing.T) {
	ca := newCA(t, t.TempDir())
	_, intermediate := issued(t, ca, "localhost")
	if !intermediate.IsCA || intermediate.MaxPathLen != 0 || !intermediate.MaxPathLenZero {
		t.Errorf("intermediate: CA %v, path length %d", intermediate.IsCA, intermediate.MaxPathLen)
	}
	if root := rootOf(t, ca); root.MaxPathLen != 1 || root.Subject.String() == intermediate.Subject.String() {
		t.Errorf("root: path length %d, subject %v", root.MaxPathLen, root.Subject)
	}
}

func TestEveryUsualKeyIsCertified(t *testing.T) {
	ca := newCA(t, t.TempDir())
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsa2048, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, csr := range map[string]*x509.CertificateRequest{
		"p384": requestBy(t, p384, "a.internal"), "rsa2048": requestBy(t, rsa2048, "a.internal"), "ed25519": requestBy(t, ed, "a.internal"),
	} {
		if _, err := ca.Issue(t.Context(), csr); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRequestsThatAreNotInOrderAreRefused(t *testing.T) {
	forged := request(t, "localhost")
	forged.PublicKey = newKey(t).Public()
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key := newKey(t)
	mustStaple := signed(t, &x509.CertificateRequest{
		DNSNames:        []string{"localhost"},
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}, Value: []byte{0x30, 3, 2, 1, 5}}},
	}, key)
	uri := signed(t, &x509.CertificateRequest{DNSNames: []string{"localhost"}, URIs: []*url.URL{{Scheme: "spiffe", Host: "a"}}}, key)
	mail := signed(t, &x509.CertificateRequest{EmailAddresses: []string{"a@localhost"}}, key)
	many := make([]string, 101)
	for i := range many {
		many[i] = "localhost"
	}
	short := request(t, "localhost")
	short.IPAddresses = append(short.IPAddresses, []byte{127, 0, 1})
	long := strings.Repeat("a", 64)
	cases := []struct {
		csr  *x509.CertificateRequest
		want string
	}{
		{forged, "not signed by its own key"},
		{requestBy(t, p224, "localhost"), "an ECDSA key of 224 bits is too short"},
		{mustStaple, "the local CA has no OCSP responder"},
		{uri, "only DNS names and IP addresses are certified"},
		{mail, "only DNS names and IP addresses are certified"},
		{request(t), "it names no DNS name and no IP address"},
		{request(t, many...), "it has 101 names, over the limit of 100"},
		{short, "an IP address has 4 or 16 bytes, not 3"},
		{request(t, "*"), `"*" is not a DNS name`},
		{request(t, "*."), `"*." is not a DNS name`},
		{request(t, "a.*.localhost"), "is not a DNS name"},
		{request(t, "*.*.localhost"), "is not a DNS name"},
		{request(t, "a..localhost"), "is not a DNS name"},
		{request(t, "localhost."), "is not a DNS name"},
		{request(t, "-a.localhost"), "is not a DNS name"},
		{request(t, long+".localhost"), "is not a DNS name"},
		{request(t, strings.Repeat("a.", 127)), "is not a DNS name"},
		{request(t, "a b.localhost"), "is not a DNS name"},
		{request(t, "localhost\x00.example"), "is not a DNS name"},
	}
	dir := t.TempDir()
	ca := newCA(t, dir)
	for _, c := range cases {
		chain, err := ca.Issue(t.Context(), c.csr)
		if err == nil || chain != nil || !strings.HasPrefix(err.Error(), "local CA: certificate request: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Issue(%v) = %d bytes, %v; want %q", c.csr.DNSNames, len(chain), err, c.want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "pki")); !os.IsNotExist(err) {
		t.Errorf("a refused request has made a CA: %v", err)
	}
}

func TestWhichNamesAreLocal(t *testing.T) {
	for name, want := range map[string]bool{
		"localhost": true, "LocalHost.": true, "a.localhost": true, "*.a.localhost": true, "printer.local": true,
		"db.internal": true, "*.internal": true, "nas.home.arpa": true, "NAS.Home.ARPA": true,
		"127.0.0.1": true, "192.0.2.7": true, "::1": true, "[::1]": true, "[2001:db8::1]": true,
		"example.com": false, "notlocalhost": false, "localhost.example.com": false, "internal": false,
		"evilinternal": false, "arpa": false, "e164.arpa": false, "": false, ".": false, "[localhost": false, "1.2.3": false, "[::1": false,
	} {
		if got := localca.IsLocal(name); got != want {
			t.Errorf("IsLocal(%q) = %v", name, got)
		}
	}
}
