package responder

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"dwaar/integration/internal/dwaar"
	"dwaar/integration/internal/pki"
	"dwaar/integration/internal/wait"
)

// OpenSSL is `openssl ocsp -index`, the responder of a small private CA. It serves
// one connection at a time and reads its index when it starts.
type OpenSSL struct {
	t      testing.TB
	dir    string
	port   int
	extra  []string
	index  map[string]string
	cmd    *exec.Cmd
	exited chan struct{}
	out    *dwaar.Log
}

// NewOpenSSL writes the index of issuer into a directory and chooses a port; Start
// starts it. Extra arguments say how long responses hold: -nmin 60, -ndays 1.
func NewOpenSSL(t testing.TB, issuer *pki.Authority, extra ...string) *OpenSSL {
	t.Helper()
	o := &OpenSSL{t: t, dir: t.TempDir(), port: wait.Port(t), extra: extra, index: map[string]string{}}
	pki.WriteFile(t, o.path("ca.pem"), pki.CertPEM(issuer.Cert.Raw))
	pki.WriteFile(t, o.path("ca.key"), pki.PKCS8(t, issuer.Key))
	t.Cleanup(o.Stop)
	return o
}

// URL is what belongs into the AIA of a leaf.
func (o *OpenSSL) URL() string { return fmt.Sprintf("http://127.0.0.1:%d", o.port) }

// Add makes the responder say good for leaf, from its next start on.
func (o *OpenSSL) Add(leaf *pki.Leaf) { o.set(leaf, "V", "") }

// Revoke makes the responder say revoked for leaf, from its next start on.
func (o *OpenSSL) Revoke(leaf *pki.Leaf) {
	o.set(leaf, "R", stamp(time.Now().Add(-time.Hour))+",keyCompromise")
}

func (o *OpenSSL) set(leaf *pki.Leaf, status, revoked string) {
	serial := strings.ToUpper(hex.EncodeToString(leaf.Cert.SerialNumber.Bytes()))
	o.index[serial] = strings.Join([]string{
		status, stamp(leaf.Cert.NotAfter), revoked, serial, "unknown",
		"/CN=" + leaf.Cert.Subject.CommonName,
	}, "\t")
}

// Start writes the index and runs openssl until Stop; it returns once the port is open.
func (o *OpenSSL) Start() {
	o.t.Helper()
	var lines strings.Builder
	for _, line := range o.index {
		lines.WriteString(line + "\n")
	}
	pki.WriteFile(o.t, o.path("index.txt"), []byte(lines.String()))
	pki.WriteFile(o.t, o.path("index.txt.attr"), []byte("unique_subject = no\n"))

	args := []string{"ocsp", "-index", o.path("index.txt"), "-port", strconv.Itoa(o.port),
		"-rsigner", o.path("ca.pem"), "-rkey", o.path("ca.key"), "-CA", o.path("ca.pem")}
	o.cmd = exec.Command("openssl", append(args, o.extra...)...)
	o.out = &dwaar.Log{}
	o.cmd.Stdout, o.cmd.Stderr = o.out, o.out
	if err := o.cmd.Start(); err != nil {
		o.t.Fatalf("openssl ocsp: %v", err)
	}
	o.exited = make(chan struct{})
	go func(cmd *exec.Cmd, done chan struct{}) {
		_ = cmd.Wait()
		close(done)
	}(o.cmd, o.exited)
	// A connection to see whether it listens would be the one it serves, for good.
	wait.Until(o.t, 20*time.Second, "openssl ocsp to listen", func() error {
		if !strings.Contains(strings.ToLower(o.out.String()), "waiting for ocsp client connections") {
			return errors.New(o.out.String())
		}
		return nil
	})
}

// Pid is its process.
func (o *OpenSSL) Pid() int { return o.cmd.Process.Pid }

// Stop kills it: the next dial is refused.
func (o *OpenSSL) Stop() {
	if o.cmd == nil {
		return
	}
	_ = o.cmd.Process.Signal(os.Kill)
	<-o.exited
	o.cmd = nil
}

func (o *OpenSSL) path(name string) string { return filepath.Join(o.dir, name) }

func stamp(t time.Time) string { return t.UTC().Format("060102150405Z") }
