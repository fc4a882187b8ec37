package integration

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"dwaar/integration/internal/client"
	"dwaar/integration/internal/dwaar"
	"dwaar/integration/internal/pki"
)

// registry is a CA on disk with a database, which dwaar ca looks after.
type registry struct {
	t        testing.TB
	ca       *pki.Authority
	dir      string
	database string
	flags    []string // of dwaar responder: everything but its address
	roots    string
}

func newRegistry(t testing.TB, database string) *registry {
	t.Helper()
	r := &registry{t: t, ca: pki.New(t, "Registry"), dir: t.TempDir(), database: database}
	if database == "" {
		r.database = "sqlite:" + r.path("certs.db")
	}
	signer := r.ca.Delegate(t, time.Now().Add(47*time.Hour), x509.ExtKeyUsageOCSPSigning)
	pki.WriteFile(t, r.path("ca.pem"), pki.CertPEM(r.ca.Cert.Raw))
	pki.WriteFile(t, r.path("ocsp.pem"), pki.CertPEM(signer.Cert.Raw))
	pki.WriteFile(t, r.path("ocsp.key"), pki.PKCS8(t, signer.Key))
	r.roots = r.path("roots.pem")
	pki.WriteFile(t, r.roots, pki.CertPEM(r.ca.Root().Cert.Raw, r.ca.Cert.Raw))
	r.flags = []string{"--issuer", r.path("ca.pem"), "--signer", r.path("ocsp.pem"), "--key", r.path("ocsp.key"), "--database", r.database}
	return r
}

func (r *registry) path(name string) string { return filepath.Join(r.dir, name) }

// leaf issues a certificate and writes it to NAME.pem.
func (r *registry) leaf(name string) *x509.Certificate {
	r.t.Helper()
	leaf := r.ca.Issue(r.t, pki.Request{Names: []string{name + ".test"}}).Cert
	pki.WriteFile(r.t, r.path(name+".pem"), pki.CertPEM(leaf.Raw))
	return leaf
}

func (r *registry) read(path string) []byte {
	r.t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		r.t.Fatal(err)
	}
	return text
}

// certificateIn is the first certificate of a file.
func certificateIn(t testing.TB, path string) *x509.Certificate {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatalf("%s holds no PEM", path)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// do runs dwaar ca on the database.
func (r *registry) do(command string, args ...string) {
	r.t.Helper()
	args = append([]string{"ca", command, "--database", r.database, "--issuer", r.path("ca.pem")}, args...)
	if out := dwaar.Run(r.t, binaries.Plain, args...); out.Code != 0 {
		r.t.Fatalf("dwaar ca %s: %d\n%s", command, out.Code, out.Text())
	}
}

// ask asks as a client in Go, by POST, and returns what is said: good, revoked,
// unknown or an OCSP error.
func (r *registry) ask(url string, leaf *x509.Certificate, hash crypto.Hash) (string, error) {
	der, err := ocsp.CreateRequest(leaf, r.ca.Cert, &ocsp.RequestOptions{Hash: hash})
	if err != nil {
		return "", err
	}
	resp, err := http.Post(url, "application/ocsp-request", bytes.NewReader(der))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	parsed, err := ocsp.ParseResponseForCert(body, leaf, r.ca.Cert)
	if refused, ok := err.(ocsp.ResponseError); ok {
		return refused.Status.String(), nil
	}
	if err != nil {
		return "", err
	}
	return map[int]string{ocsp.Good: "good", ocsp.Revoked: "revoked", ocsp.Unknown: "unknown"}[parsed.Status], nil
}

// ocspClient asks about NAME.pem, and returns what it understood.
type ocspClient struct {
	name   string
	hashes []string
	ask    func(r *registry, url, name, hash string) string
}

var hashes = map[string]crypto.Hash{"SHA1": crypto.SHA1, "SHA256": crypto.SHA256, "SHA384": crypto.SHA384, "SHA512": crypto.SHA512}

var ocspClients = []ocspClient{
	{"openssl ocsp (POST)", []string{"SHA1", "SHA256", "SHA384", "SHA512"}, byOpenSSL},
	{"curl (GET)", []string{"SHA1", "SHA256", "SHA384", "SHA512"}, byCurl},
	{"ocsptool (GnuTLS)", []string{"SHA1"}, byOCSPTool}, // it has no other
	{"Go, x/crypto/ocsp", []string{"SHA1", "SHA256", "SHA384", "SHA512"}, byGo},
}

func byOpenSSL(r *registry, url, name, hash string) string {
	out := client.RunTool(r.t, "openssl", "ocsp", "-url", url, "-issuer", r.path("ca.pem"), "-"+strings.ToLower(hash),
		"-cert", r.path(name+".pem"), "-CAfile", r.roots, "-nonce")
	if !out.Has("Response verify OK") || out.Has("WARNING: no nonce") {
		return out.Text
	}
	return statusIn(out.Text, r.path(name+".pem")+": ")
}

// byCurl sends the question that openssl writes, and has openssl judge the answer.
func byCurl(r *registry, to, name, hash string) string {
	question, answer := r.path(name+hash+".req"), r.path(name+hash+".resp")
	common := []string{"-issuer", r.path("ca.pem"), "-" + strings.ToLower(hash), "-cert", r.path(name + ".pem")}
	if out := client.RunTool(r.t, "openssl", append([]string{"ocsp", "-no_nonce", "-reqout", question}, common...)...); out.Code != 0 {
		return out.Text
	}
	text := url.QueryEscape(base64.StdEncoding.EncodeToString(r.read(question)))
	if out := client.RunTool(r.t, "curl", "-sS", "--fail", "--max-time", "20", "-o", answer, to+"/"+text); out.Code != 0 {
		return out.Text
	}
	out := client.RunTool(r.t, "openssl", append([]string{"ocsp", "-no_nonce", "-respin", answer, "-CAfile", r.roots}, common...)...)
	if !out.Has("Response verify OK") {
		return out.Text
	}
	return statusIn(out.Text, r.path(name+".pem")+": ")
}

func byOCSPTool(r *registry, url, name, _ string) string {
	out := client.RunTool(r.t, "ocsptool", "--ask="+url, "--nonce", "--load-issuer", r.path("ca.pem"), "--load-cert", r.path(name+".pem"), "--load-trust", r.roots)
	if !out.Has("Verifying OCSP Response: Success") {
		return out.Text
	}
	return statusIn(out.Text, "Certificate Status: ")
}

func byGo(r *registry, url, name, hash string) string {
	said, err := r.ask(url, certificateIn(r.t, r.path(name+".pem")), hashes[hash])
	if err != nil {
		return err.Error()
	}
	return said
}

// statusIn is the word behind a mark.
func statusIn(text, mark string) string {
	_, rest, found := strings.Cut(text, mark)
	if !found {
		return text
	}
	word, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(word)
}

// Issue 5: independent clients understand the same, whatever hash they ask by.
func TestOCSPClientsAgree(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, "")
	for _, name := range []string{"good", "revoked", "unknown"} {
		r.leaf(name)
	}
	r.do("add", r.path("good.pem"), r.path("revoked.pem"))
	r.do("revoke", r.path("revoked.pem"), "--reason", "keyCompromise")
	server := dwaar.StartResponder(t, binaries.Race, r.flags...)
	var table strings.Builder
	fmt.Fprintf(&table, "%-20s %-7s %-8s %-8s %-8s\n", "client", "hash", "good", "revoked", "unknown")
	for _, c := range ocspClients {
		for _, hash := range c.hashes {
			fmt.Fprintf(&table, "%-20s %-7s", c.name, hash)
			for _, want := range []string{"good", "revoked", "unknown"} {
				got := c.ask(r, server.URL, want, hash)
				if got != want {
					t.Errorf("%s, %s: %s, want %s", c.name, hash, got, want)
				}
				fmt.Fprintf(&table, " %-8s", got)
			}
			table.WriteString("\n")
		}
	}
	t.Logf("\n%s", &table)
	if err := server.Stop(); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
}
