package integration

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"dwaar/integration/internal/dwaar"
	"dwaar/integration/internal/wait"
)

// demo is one `dwaar demo`, and a shell to type into what it prints.
type demo struct {
	t      *testing.T
	dir    string // where the user stands; the demo is in ./demo below it
	out    *dwaar.Log
	cmd    *exec.Cmd
	exited chan error
}

func startDemo(t *testing.T, dir string) *demo {
	t.Helper()
	d := &demo{t: t, dir: dir, out: &dwaar.Log{}, exited: make(chan error, 1)}
	d.cmd = exec.Command(binaries.Race, "demo", "--dir", "demo")
	d.cmd.Dir = dir
	d.cmd.Stdout, d.cmd.Stderr = d.out, d.out
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { d.exited <- d.cmd.Wait() }()
	t.Cleanup(func() {
		_ = d.cmd.Process.Kill()
		if fault := d.out.Fault(); fault != "" {
			t.Errorf("the demo's output shows a fault:\n%s", fault)
		}
		if t.Failed() {
			t.Logf("the demo says:\n%s", d.out)
		}
	})
	wait.Until(t, 60*time.Second, "the demo to say how it ends", func() error {
		select {
		case err := <-d.exited:
			t.Fatalf("the demo ended by itself: %v", err)
		default:
		}
		if !strings.Contains(d.out.String(), "Ctrl-C") {
			return errNotYet
		}
		return nil
	})
	return d
}

// lines are the commands the demo prints that contain a text, in their order.
func (d *demo) lines(has string) []string {
	var found []string
	for line := range strings.Lines(d.out.String()) {
		if command, indented := strings.CutPrefix(line, "  "); indented && strings.Contains(command, has) {
			found = append(found, strings.TrimSpace(command))
		}
	}
	if len(found) == 0 {
		d.t.Fatalf("the demo prints no line with %q", has)
	}
	return found
}

// types runs a line in the user's shell.
func (d *demo) types(line string) (string, int) {
	d.t.Helper()
	cmd := exec.CommandContext(d.t.Context(), "sh", "-c", line)
	cmd.Dir = d.dir
	out, err := cmd.CombinedOutput()
	if _, exit := err.(*exec.ExitError); err != nil && !exit {
		d.t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// says fails the test unless a printed line exits with code and prints words.
func (d *demo) says(line string, code int, words ...string) {
	d.t.Helper()
	out, got := d.types(line)
	if got != code {
		d.t.Errorf("$ %s\nexit %d, want %d:\n%s", line, got, code, out)
	}
	for _, word := range words {
		if !strings.Contains(out, word) {
			d.t.Errorf("$ %s\ndoes not say %q:\n%s", line, word, out)
		}
	}
}

func (d *demo) interrupt() {
	d.t.Helper()
	_ = d.cmd.Process.Signal(syscall.SIGINT)
	select {
	case err := <-d.exited:
		if err != nil {
			d.t.Errorf("Ctrl-C: %v, want exit 0", err)
		}
	case <-time.After(soon):
		d.t.Error("Ctrl-C does not end the demo")
	}
}

// The demo as a newcomer meets it: the ports it wants are busy, every line it prints is
// typed as it stands, the certificate is revoked and taken back, Ctrl-C ends it with 0, and
// a second run takes the same directory.
func TestDemoDoesWhatItPrints(t *testing.T) {
	t.Parallel()
	for _, port := range []int{8080, 8443, 9000, 9080} {
		if l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			defer l.Close()
		}
	}
	dir, err := os.MkdirTemp("", "dwaar-demo-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)

	d := startDemo(t, dir)
	if !strings.Contains(d.out.String(), "port 8443 is busy") {
		t.Error("the demo does not say that port 8443 is busy")
	}
	sClient, curl := d.lines("openssl s_client")[0], d.lines("curl")
	d.says(sClient, 0, "OCSP Response Status: successful", "Cert Status: good", "Verify return code: 0 (ok)")
	d.says(curl[0], 0)
	d.says(d.lines(" status --admin")[0], 0, "localhost", "fresh", "good")
	refresh := d.lines("ocsp refresh")
	d.says(d.lines("ca revoke")[0], 0, "revoked")
	d.says(refresh[0], 1, "revoked")
	if out, code := d.types(curl[len(curl)-1]); code == 0 {
		t.Errorf("V2: the revoked certificate is served:\n%s", out)
	}
	d.says(d.lines("ca unrevoke")[0], 0, "is good again")
	d.says(refresh[1], 0, "good")
	d.says(d.lines("ca list")[0], 0, "good", "CN=localhost")
	d.says(curl[0], 0)
	d.says(d.lines(" reload ")[0], 0)
	d.interrupt()

	d = startDemo(t, dir)
	if again := d.lines("openssl s_client")[0]; again != sClient {
		t.Errorf("the second run prints %q, the first %q", again, sClient)
	}
	d.says(sClient, 0, "Cert Status: good")

	// Revoked when it ends, taken back before it starts again: the stored revocation must not
	// stand in the way of what the responder says now.
	d.says(d.lines("ca revoke")[0], 0, "revoked")
	d.says(refresh[0], 1, "revoked")
	back := d.lines("ca unrevoke")[0]
	d.interrupt()
	d.says(back, 0)
	d = startDemo(t, dir)
	d.says(sClient, 0, "Cert Status: good")
	d.interrupt()
}
