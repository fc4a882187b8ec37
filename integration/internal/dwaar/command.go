package dwaar

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Result is how a command went.
type Result struct {
	Stdout, Stderr string
	Code           int
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

// RunWithin is Run with so many MiB of memory that can be written. A dwaar that wants more
// dies with exit code 2 and a trace of its goroutines. The memory a process says it has used
// would not do: Linux counts what its parent had in use when it was started.
func RunWithin(t testing.TB, mebibytes int, binary string, args ...string) Result {
	t.Helper()
	limit := fmt.Sprintf(`ulimit -d %d && exec "$0" "$@"`, mebibytes<<10)
	return Run(t, "/bin/sh", append([]string{"-c", limit, binary}, args...)...)
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
	return r
}
