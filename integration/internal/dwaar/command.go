package dwaar

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Result is how a command went.
type Result struct {
	Stdout, Stderr string
	Code           int
	MaxRSS         int64 // bytes of memory at most in use
}

// Text is both outputs.
func (r Result) Text() string { return r.Stdout + r.Stderr }

// Do runs one dwaar command against this server's data directory, as its user would.
func (s *Server) Do(args ...string) Result {
	s.t.Helper()
	return run(s.t, s.Command(args...))
}

// Must is Do for a command that has to exit 0.
func (s *Server) Must(args ...string) Result {
	s.t.Helper()
	r := s.Do(args...)
	if r.Code != 0 {
		s.t.Fatalf("dwaar %s: exit %d\n%s", strings.Join(args, " "), r.Code, r.Text())
	}
	return r
}

// Run runs binary with a data directory of its own and no server behind it.
func Run(t testing.TB, binary string, args ...string) Result {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Env = append(os.Environ(), "DWAAR_DATA="+t.TempDir())
	return run(t, cmd)
}

// Command prepares a dwaar command with the server's directory and data.
func (s *Server) Command(args ...string) *exec.Cmd { return s.prepare(s.tool, args...) }

func (s *Server) prepare(binary string, args ...string) *exec.Cmd {
	cmd := exec.Command(binary, args...)
	cmd.Dir = s.Dir
	cmd.Env = append(os.Environ(), "DWAAR_DATA="+s.Data)
	cmd.Env = append(cmd.Env, s.Env...)
	return cmd
}

// run bounds every command: one that hangs is killed and fails the test.
func run(t testing.TB, cmd *exec.Cmd) Result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatalf("%s: %v", cmd.Path, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })()
	err := cmd.Wait()
	if ctx.Err() != nil {
		t.Fatalf("%s: killed after a minute\n%s%s", strings.Join(cmd.Args, " "), &stdout, &stderr)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", cmd.Path, err)
	}
	r := Result{Stdout: stdout.String(), Stderr: stderr.String(), Code: cmd.ProcessState.ExitCode()}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.MaxRSS = usage.Maxrss << 10
	}
	return r
}
