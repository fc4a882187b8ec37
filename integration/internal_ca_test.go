package integration

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"dwaar/integration/internal/client"
	"dwaar/integration/internal/dwaar"
	"dwaar/integration/internal/wait"
)

// localNames are sites that are certified by the local CA without a word about TLS.
var localNames = []string{"localhost", "app.localhost", "127.0.0.1", "nas.home.arpa", "wiki.internal", "printer.local"}

// localHouse prepares a dwaar that has sites and nothing else.
func localHouse(t *testing.T, names ...string) *house {
	t.Helper()
	h := &house{Server: dwaar.New(t, binaries.Race, binaries.Plain), t: t}
	h.Allow = "" // no responder is needed
	for _, name := range names {
		h.siteText(name + " {\n\trespond " + name + "\n}\n")
	}
	return h
}

// root is where the local CA's root lies in a data directory.
func (h *house) root() string { return filepath.Join(h.Data, "pki", "local", "root.crt") }

// curls has curl ask for a site, trusting the roots in a file and nobody else.
func (h *house) curls(name, roots string) client.Output {
	h.t.Helper()
	port := strconv.Itoa(h.HTTPS)
	return client.RunTool(h.t, "curl", "-sS", "--max-time", "20", "--cacert", roots,
		"--resolve", name+":"+port+":127.0.0.1", "https://"+net.JoinHostPort(name, port)+"/")
}

// awaitCurl waits until curl gets a site's answer.
func (h *house) awaitCurl(name, roots string) {
	h.t.Helper()
	wait.Until(h.t, soon, "A5: curl to get https://"+name, func() error {
		if out := h.curls(name, roots); out.Code != 0 || out.Text != name {
			return errors.New(out.Text)
		}
		return nil
	})
}

// A5: local names, addresses and `tls internal` work out of the box, from a CA that lasts.
func TestLocalNamesWorkOutOfTheBox(t *testing.T) {
	t.Parallel()
	h := localHouse(t, localNames...)
	h.siteText("intern.example.com {\n\ttls internal\n\trespond intern.example.com\n}\n")
	h.start("", "")
	names := append([]string{"intern.example.com"}, localNames...)
	for _, name := range names {
		h.awaitCurl(name, h.root())
	}
	root, serial := read(t, h.root()), h.serialOf("localhost")
	h.chainIsOfThree("localhost", root)

	h.Stop()
	h.Start()
	for _, name := range names {
		h.awaitCurl(name, h.root())
	}
	if string(read(t, h.root())) != string(root) || h.serialOf("localhost") != serial {
		t.Error("A5: the restart made another root or another certificate")
	}
	h.saysNothingOfOCSP()
	h.keepsKeysToItself()
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	return must(t)(os.ReadFile(path)).([]byte)
}

func (h *house) serialOf(name string) string {
	h.t.Helper()
	cert, err := h.Certificate(name)
	if err != nil || cert.Source != "internal" || cert.Staple.State != "none" {
		h.t.Errorf("A5: the certificate of %s is %+v, %v; want one of the local CA without a staple", name, cert, err)
	}
	return cert.Serial
}

// chainIsOfThree checks root → intermediate → leaf.
func (h *house) chainIsOfThree(name string, root []byte) {
	h.t.Helper()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(root)
	shown, err := client.Target{Addr: h.Addr(), Name: name, Roots: pool}.Do()
	if err != nil {
		h.t.Fatal(err)
	}
	block, _ := pem.Decode(root)
	top := must(h.t)(x509.ParseCertificate(block.Bytes)).(*x509.Certificate)
	if shown.Issuer == nil || shown.Issuer.Equal(top) || shown.Issuer.CheckSignatureFrom(top) != nil {
		h.t.Errorf("A5: the leaf's issuer is %v, want an intermediate of the root", shown.Issuer)
	}
	if len(shown.Staple) != 0 || len(shown.Leaf.OCSPServer) != 0 {
		h.t.Error("A5: a staple, or a responder, for a certificate of the local CA")
	}
	if _, err := shown.Leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: name}); err == nil {
		h.t.Error("the leaf verifies without the intermediate: this test proves nothing")
	}
}

var ocspWord = regexp.MustCompile(`(?i)ocsp|staple|responder|crl`)

// saysNothingOfOCSP: S12, at info and above.
func (h *house) saysNothingOfOCSP() {
	h.t.Helper()
	for line := range strings.Lines(h.Log.String()) {
		if !strings.Contains(line, "level=DEBUG") && ocspWord.MatchString(line) {
			h.t.Errorf("S12: OCSP noise for certificates of the local CA: %s", line)
		}
	}
}

// keepsKeysToItself: files 0600, directories 0700.
func (h *house) keepsKeysToItself() {
	h.t.Helper()
	err := filepath.WalkDir(h.Data, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			h.t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		h.t.Error(err)
	}
}

// A5 and A6: two dwaars that start at the same moment on one storage make one CA.
func TestTwoDwaarsMakeOneLocalCA(t *testing.T) {
	t.Parallel()
	shared := t.TempDir()
	root := filepath.Join(shared, "pki", "local", "root.crt")
	pair := []*house{localHouse(t, "one.localhost", "both.localhost"), localHouse(t, "two.localhost", "both.localhost")}
	for _, h := range pair {
		h.Configure(h.Options("storage file_system "+shared, "") + h.sites.String())
		h.Launch()
	}
	pair[0].awaitCurl("one.localhost", root)
	pair[1].awaitCurl("two.localhost", root)
	for _, h := range pair {
		h.awaitCurl("both.localhost", root)
	}
	if a, b := pair[0].serialOf("both.localhost"), pair[1].serialOf("both.localhost"); a != b {
		t.Errorf("A6: both.localhost has serial %s at one and %s at the other", a, b)
	}
}

// A5: killed at once after its first start, again and again, dwaar ends up with one CA that
// works, and the root that was there once stays.
func TestKillsLeaveOneLocalCA(t *testing.T) {
	t.Parallel()
	h := localHouse(t, "localhost")
	h.Configure(h.Options("", "") + h.sites.String())
	var root []byte
	made := 0
	for round := 0; made < 5; round++ {
		h.Launch()
		time.Sleep(time.Duration(round) * 10 * time.Millisecond)
		h.Kill()
		now, err := os.ReadFile(h.root())
		if err == nil && root != nil && string(now) != string(root) {
			t.Fatal("A5: a restart made another root")
		}
		if root != nil && err != nil {
			t.Fatalf("A5: the root is gone: %v", err)
		}
		if root = now; root != nil {
			made++
		}
	}
	h.Start()
	h.awaitCurl("localhost", h.root())
}

// systemRoots is where Debian keeps the roots of a machine's own.
const systemRoots = "/usr/local/share/ca-certificates"

// `dwaar trust --dry-run` says what it would do, and does nothing; so does untrust.
func TestTrustDryRunChangesNothing(t *testing.T) {
	t.Parallel()
	h := localHouse(t, "localhost")
	before := listing(t, systemRoots)
	out := h.Must("trust", "--dry-run")
	if !(client.Output{Text: out.Text()}).Has("would make a local CA", "would write "+systemRoots+"/dwaar-local-root-", "update-ca-certificates") {
		t.Errorf("trust --dry-run without a CA:\n%s", out.Text())
	}
	if _, err := os.Stat(h.Data); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("trust --dry-run has made %s", h.Data)
	}
	h.start("", "")
	h.awaitCurl("localhost", h.root())
	root, mine := read(t, h.root()), listing(t, filepath.Join(h.Data, "pki"))
	for _, command := range []string{"trust", "untrust"} {
		out := h.Must(command, "--dry-run")
		if out.Text() == "" {
			t.Errorf("%s --dry-run says nothing", command)
		}
		t.Logf("%s --dry-run:\n%s", command, out.Text())
	}
	if string(read(t, h.root())) != string(root) || listing(t, filepath.Join(h.Data, "pki")) != mine {
		t.Error("--dry-run has changed the local CA")
	}
	if now := listing(t, systemRoots); now != before {
		t.Errorf("--dry-run has changed %s:\n%s\nbefore:\n%s", systemRoots, now, before)
	}
}

// listing is every file below a directory with its size and time.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			all.WriteString(fs.FormatFileInfo(info) + " " + path + "\n")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
