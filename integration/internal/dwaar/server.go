package dwaar

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"dwaar/integration/internal/pki"
	"dwaar/integration/internal/wait"
)

// Server is one `dwaar run` with a directory, a data directory and ports of its own.
// It can be stopped and started again on the same data.
type Server struct {
	Dir   string // Dwaarfile, certificates
	Data  string
	HTTP  int
	HTTPS int
	Log   *Log     // of all runs
	Env   []string // added to the environment
	Allow string   // what Options lets the OCSP client dial; loopback, where the responders live

	t       testing.TB
	binary  string
	tool    string // the build that runs commands
	args    []string
	cmd     *exec.Cmd
	exited  chan struct{}
	exitErr error
}

// New makes the directories and chooses the ports; nothing runs yet. Binary serves, tool runs
// the commands that speak to it. The directory has a short name because the admin socket lies
// in it.
func New(t testing.TB, binary, tool string) *Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "dwaar-it-")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{
		Dir: dir, Data: filepath.Join(dir, "data"), Log: &Log{},
		HTTP: wait.Port(t), HTTPS: wait.Port(t), Allow: "127.0.0.0/8", t: t, binary: binary, tool: tool,
	}
	t.Cleanup(s.cleanup)
	return s
}

// Options is the global block every test uses, with more lines for it and for its
// `ocsp` block.
func (s *Server) Options(global, ocsp string) string {
	if s.Allow != "" {
		ocsp = "allow " + s.Allow + "\n\t\t" + ocsp
	}
	return fmt.Sprintf(`{
	http_port %d
	https_port %d
	default_bind 127.0.0.1
	%s
	ocsp {
		%s
	}
}
`, s.HTTP, s.HTTPS, global, ocsp)
}

// Configure writes the Dwaarfile.
func (s *Server) Configure(text string) {
	s.t.Helper()
	pki.WriteFile(s.t, s.Config(), []byte(text))
}

// Config is the Dwaarfile's path.
func (s *Server) Config() string { return filepath.Join(s.Dir, "Dwaarfile") }

// Addr is where the server answers TLS.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.HTTPS)) }

// With appends arguments to `dwaar run`.
func (s *Server) With(args ...string) *Server {
	s.args = append(s.args, args...)
	return s
}

// Start runs dwaar and returns once it accepts TLS connections.
func (s *Server) Start() {
	s.t.Helper()
	s.Launch()
	s.AwaitListening()
}

// AwaitListening returns once dwaar accepts TLS connections.
func (s *Server) AwaitListening() {
	s.t.Helper()
	wait.Until(s.t, 30*time.Second, "dwaar to listen", func() error {
		if err := s.Alive(); err != nil {
			s.t.Fatalf("dwaar ended while starting: %v", err)
		}
		c, err := net.DialTimeout("tcp4", s.Addr(), time.Second)
		if err != nil {
			return err
		}
		return c.Close()
	})
}

// Launch runs dwaar and does not wait for anything.
func (s *Server) Launch() {
	s.t.Helper()
	s.cmd = s.prepare(s.binary, append([]string{"run", "--config", s.Config()}, s.args...)...)
	s.cmd.Stdout, s.cmd.Stderr = s.Log, s.Log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatalf("starting dwaar: %v", err)
	}
	s.exited = make(chan struct{})
	go func(cmd *exec.Cmd, done chan struct{}) {
		s.exitErr = cmd.Wait()
		close(done)
	}(s.cmd, s.exited)
}

// Alive returns why dwaar is not running any more, or nil.
func (s *Server) Alive() error {
	select {
	case <-s.exited:
		return fmt.Errorf("exited: %v", s.exitErr)
	default:
		return nil
	}
}

// PID is the process id of the current run.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// OpenFiles counts the file descriptors of the running dwaar.
func (s *Server) OpenFiles() int {
	s.t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.PID()))
	if err != nil {
		s.t.Fatal(err)
	}
	return len(entries)
}

// Signal sends a signal to dwaar.
func (s *Server) Signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatalf("sending %v: %v", sig, err)
	}
}

// Kill ends dwaar as a power cut would, and waits until it is gone.
func (s *Server) Kill() {
	s.t.Helper()
	_ = s.cmd.Process.Kill()
	<-s.exited
	s.cmd = nil
}

// Stop asks dwaar to end and fails the test unless it exits 0 in time.
func (s *Server) Stop() {
	s.t.Helper()
	s.Signal(syscall.SIGTERM)
	if err := s.Wait(20 * time.Second); err != nil {
		s.t.Errorf("SIGTERM: %v, want exit 0", err)
	}
}

// Wait waits for the exit and returns how it went.
func (s *Server) Wait(within time.Duration) error {
	select {
	case <-s.exited:
		s.cmd = nil
		return s.exitErr
	case <-time.After(within):
		return errors.New("still running after " + within.String())
	}
}

func (s *Server) cleanup() {
	if s.cmd != nil {
		_ = s.cmd.Process.Signal(syscall.SIGTERM)
		if s.Wait(15*time.Second) != nil && s.cmd != nil {
			s.t.Errorf("dwaar did not end within 15 s of SIGTERM")
			_ = s.cmd.Process.Signal(syscall.SIGQUIT) // its goroutines go to the log
			if s.Wait(5*time.Second) != nil && s.cmd != nil {
				s.Kill()
			}
		}
	}
	if fault := s.Log.Fault(); fault != "" {
		s.t.Errorf("dwaar's log shows a fault:\n%s", fault)
	}
	if s.t.Failed() {
		s.t.Logf("dwaar's log:\n%s", s.Log.Tail(16<<10))
		if text, err := os.ReadFile(s.Config()); err == nil {
			s.t.Logf("its Dwaarfile:\n%s", text[:min(len(text), 4<<10)])
		}
	}
	_ = os.RemoveAll(s.Dir)
}
