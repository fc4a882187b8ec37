package dwaar

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"dwaar/integration/internal/wait"
)

// Responder is a `dwaar responder`, or a `dwaar relay`, on free ports.
type Responder struct {
	URL     string
	Metrics string // URL of its metrics and readiness
	Log     *Log

	t      testing.TB
	cmd    *exec.Cmd
	exited chan struct{}
}

// StartResponder runs one with these flags until the test ends, and waits until
// it is ready.
func StartResponder(t testing.TB, binary string, flags ...string) *Responder {
	t.Helper()
	r := LaunchResponder(t, binary, flags...)
	wait.Until(t, 30*time.Second, "the responder to be ready", r.Ready)
	return r
}

// StartRelay is StartResponder for a relay.
func StartRelay(t testing.TB, binary string, flags ...string) *Responder {
	t.Helper()
	r := launch(t, binary, "relay", flags)
	wait.Until(t, 30*time.Second, "the relay to be ready", r.Ready)
	return r
}

// LaunchResponder is StartResponder without the wait.
func LaunchResponder(t testing.TB, binary string, flags ...string) *Responder {
	t.Helper()
	return launch(t, binary, "responder", flags)
}

func launch(t testing.TB, binary, command string, flags []string) *Responder {
	t.Helper()
	listen, metrics := "127.0.0.1:"+strconv.Itoa(wait.Port(t)), "127.0.0.1:"+strconv.Itoa(wait.Port(t))
	r := &Responder{URL: "http://" + listen, Metrics: "http://" + metrics, Log: &Log{}, t: t, exited: make(chan struct{})}
	r.cmd = exec.Command(binary, append([]string{command, "--listen", listen, "--metrics", metrics}, flags...)...)
	r.cmd.Stdout, r.cmd.Stderr = r.Log, r.Log
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = r.cmd.Wait(); close(r.exited) }()
	t.Cleanup(func() {
		r.Kill()
		if fault := r.Log.Fault(); fault != "" {
			t.Errorf("the log of dwaar %s shows a fault:\n%s", command, fault)
		}
		if t.Failed() {
			t.Logf("the log of dwaar %s:\n%s", command, r.Log.Tail(4<<10))
		}
	})
	return r
}

// Ready is what its readiness says.
func (r *Responder) Ready() error {
	select {
	case <-r.exited:
		r.t.Fatalf("the responder has ended:\n%s", r.Log)
	default:
	}
	resp, err := http.Get(r.Metrics + "/readyz")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK {
		return errors.New(string(text))
	}
	return nil
}

// Pid is its process.
func (r *Responder) Pid() int { return r.cmd.Process.Pid }

// Kill ends it at once, as kill -9 does.
func (r *Responder) Kill() {
	_ = r.cmd.Process.Kill()
	<-r.exited
}

// Stop ends it as systemd does. The error is how it ended otherwise than well.
func (r *Responder) Stop() error {
	_ = r.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-r.exited:
	case <-time.After(20 * time.Second):
		return errors.New("it does not end")
	}
	if code := r.cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("exit code %d", code)
	}
	return nil
}
