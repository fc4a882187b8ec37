package demo_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dwaar/ocspsvc"
)

func TestDemoSaysWhatToTryOnceTheStapleIsThere(t *testing.T) {
	t.Chdir(t.TempDir())
	out, stop := start(t, "./demo", staplingProxy(t, "demo"))
	out.await(t, "Ctrl-C ends the demo.")
	p := readPorts(t, "demo")
	for _, want := range []string{
		"made a root and an intermediate CA, an OCSP signer, a certificate for localhost\n",
		"The staple is in place: good until ",
		fmt.Sprintf("openssl s_client -connect 127.0.0.1:%d -servername localhost -CAfile demo/root.pem -status", p.HTTPS),
		fmt.Sprintf("curl --cacert demo/root.pem --cert-status https://localhost:%d/", p.HTTPS),
		"  dwaar ca revoke demo/localhost.pem --reason certificateHold --database sqlite:demo/certs.db --issuer demo/intermediate.pem\n",
		"dwaar ocsp refresh localhost --admin demo/data/admin.sock",
		"  dwaar ca unrevoke demo/localhost.pem --database sqlite:demo/certs.db --issuer demo/intermediate.pem\n",
		"  dwaar ca list --database sqlite:demo/certs.db --issuer demo/intermediate.pem\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the demo does not say %q:\n%s", want, out)
		}
	}
	if err := stop(); err != nil {
		t.Errorf("stopped: %v, want no error", err)
	}
	for _, port := range []int{p.HTTPS, p.Upstream, p.Responder} {
		ln, err := net.Listen("tcp", local(port))
		if err != nil {
			t.Errorf("after the stop: %v", err)
			continue
		}
		_ = ln.Close()
	}
}

func TestPKIHasThreeLevelsAndSecretKeys(t *testing.T) {
	dir := t.TempDir()
	out, _ := start(t, dir, barren)
	out.await(t, "proxy")
	chain, root := certificates(t, dir, "localhost.pem"), certificates(t, dir, "root.pem")[0]
	if len(chain) != 2 || !bytes.Equal(chain[1].Raw, certificates(t, dir, "intermediate.pem")[0].Raw) {
		t.Fatalf("localhost.pem has %d certificates, want leaf and intermediate", len(chain))
	}
	roots, above := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(root)
	above.AddCert(chain[1])
	for _, name := range []string{"localhost", "127.0.0.1"} {
		if _, err := chain[0].Verify(x509.VerifyOptions{DNSName: name, Roots: roots, Intermediates: above}); err != nil {
			t.Error(err)
		}
	}
	if want := "http://" + local(readPorts(t, dir).Responder); len(chain[0].OCSPServer) != 1 || chain[0].OCSPServer[0] != want {
		t.Errorf("the leaf names the responders %q, want %s", chain[0].OCSPServer, want)
	}
	keys, _ := filepath.Glob(filepath.Join(dir, "*.key"))
	for _, key := range keys {
		if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode of %s = %v, %v; want 0600", key, info.Mode(), err)
		}
	}
	if len(keys) != 3 {
		t.Errorf("keys = %q, want those of intermediate, signer and leaf", keys)
	}
}

func TestNextRunUsesEverythingAgain(t *testing.T) {
	dir := t.TempDir()
	out, stop := start(t, dir, barren)
	out.await(t, "proxy")
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	edited := string(read(t, dir, "Dwaarfile")) + "# mine\n"
	write(t, dir, "Dwaarfile", edited)
	before := read(t, dir, "localhost.pem")
	out, _ = start(t, dir, barren)
	out.await(t, "certificates and Dwaarfile of the last run are used again")
	if !bytes.Equal(before, read(t, dir, "localhost.pem")) || string(read(t, dir, "Dwaarfile")) != edited {
		t.Error("the second run changed the leaf or the edited Dwaarfile")
	}
}

func TestBusyPortsAreReplacedAndTheLeafWithThem(t *testing.T) {
	dir := t.TempDir()
	out, stop := start(t, dir, barren)
	out.await(t, "proxy")
	old := readPorts(t, dir)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	edited := string(read(t, dir, "Dwaarfile")) + "# mine\n"
	write(t, dir, "Dwaarfile", edited)
	for _, port := range []int{old.Responder, old.HTTPS} {
		ln, err := net.Listen("tcp", local(port))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ln.Close() })
	}
	out, _ = start(t, dir, barren)
	out.await(t, "proxy")
	now := readPorts(t, dir)
	for _, want := range []string{
		fmt.Sprintf("port %d is busy, the responder listens on %d", old.Responder, now.Responder),
		fmt.Sprintf("port %d is busy, https listens on %d", old.HTTPS, now.HTTPS),
		"made a certificate for localhost\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the demo does not say %q:\n%s", want, out)
		}
	}
	if v, _ := ask(t, dir, "POST"); v.Status != ocspsvc.Good {
		t.Errorf("the new leaf's responder says %s", v.Status)
	}
	if text := string(read(t, dir, "Dwaarfile")); !strings.Contains(text, fmt.Sprintf("https_port   %d\n", now.HTTPS)) {
		t.Errorf("the Dwaarfile has not the new port %d:\n%s", now.HTTPS, text)
	}
	if string(read(t, dir, "Dwaarfile.old")) != edited {
		t.Error("the edited Dwaarfile was not kept beside")
	}
}

func TestBrokenOrForeignFilesAreMadeAgain(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, dir string){
		"root.pem":         func(t *testing.T, dir string) { write(t, dir, "root.pem", "") },
		"intermediate.key": func(t *testing.T, dir string) { write(t, dir, "intermediate.key", "no key") },
		"a swapped key": func(t *testing.T, dir string) {
			write(t, dir, "localhost.key", string(read(t, dir, "ocsp-signer.key")))
		},
		"a leaf as signer":   func(t *testing.T, dir string) { asSigner(t, dir) },
		"ports.json":         func(t *testing.T, dir string) { write(t, dir, "ports.json", "{") },
		"everything is gone": func(t *testing.T, dir string) { _ = os.RemoveAll(dir) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "demo")
			out, stop := start(t, dir, barren)
			out.await(t, "proxy")
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			spoil(t, dir)
			out, _ = start(t, dir, barren)
			out.await(t, "proxy")
			if v, _ := ask(t, dir, "POST"); v.Status != ocspsvc.Good {
				t.Errorf("after repair the responder says %s", v.Status)
			}
			if _, err := tls.LoadX509KeyPair(filepath.Join(dir, "localhost.pem"), filepath.Join(dir, "localhost.key")); err != nil {
				t.Errorf("after repair: %v", err)
			}
		})
	}
}

// soonExpired issues the leaf again, for an hour only.
func soonExpired(t *testing.T, dir string) {
	t.Helper()
	chain := certificates(t, dir, "localhost.pem")
	ca, err := tls.LoadX509KeyPair(filepath.Join(dir, "intermediate.pem"), filepath.Join(dir, "intermediate.key"))
	if err != nil {
		t.Fatal(err)
	}
	leaf := *chain[0]
	leaf.NotAfter = time.Now().Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, &leaf, chain[1], leaf.PublicKey, ca.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "localhost.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
}

func TestCertificateThatSoonExpiresIsMadeAgain(t *testing.T) {
	dir := t.TempDir()
	out, stop := start(t, dir, barren)
	out.await(t, "proxy")
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	soonExpired(t, dir)
	out, _ = start(t, dir, barren)
	out.await(t, "made a certificate for localhost\n")
	if left := time.Until(certificates(t, dir, "localhost.pem")[0].NotAfter); left < 24*time.Hour {
		t.Errorf("the new certificate is valid for %v", left)
	}
}

func asSigner(t *testing.T, dir string) {
	write(t, dir, "ocsp-signer.pem", string(read(t, dir, "localhost.pem")))
	write(t, dir, "ocsp-signer.key", string(read(t, dir, "localhost.key")))
}

func TestDemoSaysWhatFailed(t *testing.T) {
	boom := errors.New("Dwaarfile:1:1: boom")
	_, stop := start(t, t.TempDir(), func(context.Context, string, string) error { return boom })
	// No wait: a part that ends ends the demo, whether or not it is also told to.
	if err := stop(); err != nil && !errors.Is(err, boom) {
		t.Errorf("ended with %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- runOnce(t, func(context.Context, string, string) error { return boom }) }()
	if err := <-ended; !errors.Is(err, boom) || !strings.HasPrefix(err.Error(), "demo: ") {
		t.Errorf("ended with %v, want the proxy's error", err)
	}
	if err := runOnce(t, func(context.Context, string, string) error { return nil }); err != nil {
		t.Errorf("a proxy that was stopped: %v, want the demo to end well", err)
	}
}

func TestDirectoryThatCannotBeIsSaid(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, filepath.Dir(file), "file", "")
	_, stop := start(t, filepath.Join(file, "demo"), barren)
	if err := stop(); err == nil || !strings.HasPrefix(err.Error(), "demo: mkdir ") {
		t.Errorf("demo below a file: %v", err)
	}
}

func TestLongPathsGetAShortSocket(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 25))
	out, stop := start(t, dir, staplingProxy(t, dir))
	out.await(t, "Ctrl-C ends the demo.")
	if !strings.Contains(string(read(t, dir, "Dwaarfile")), "admin        unix//") {
		t.Errorf("the Dwaarfile has no option admin:\n%s", read(t, dir, "Dwaarfile"))
	}
	_, rest, _ := strings.Cut(out.String(), "--admin ")
	socket, _, _ := strings.Cut(rest, "\n")
	if len(socket) > 100 {
		t.Errorf("the socket %s is too long", socket)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Dir(socket)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket's directory stays behind: %v", err)
	}
}

func TestPathsWithSpacesAreQuoted(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "it's a demo")
	out, _ := start(t, dir, staplingProxy(t, dir))
	out.await(t, "Ctrl-C ends the demo.")
	if want := `it'\''s a demo/root.pem'`; !strings.Contains(out.String(), want) {
		t.Errorf("the lines to copy have no %s:\n%s", want, out)
	}
}
