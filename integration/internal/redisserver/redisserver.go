// Package redisserver runs a private Redis: on a port of 127.0.0.1 and on a socket, with its
// files in a directory of its own. It ends with the test, also with one that is killed.
package redisserver

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"dwaar/integration/internal/output"
	"dwaar/integration/internal/wait"
)

// Settings are what a test may want to be different.
type Settings struct {
	Password string // of the user default

	// With these the port is TLS, which then asks clients for a certificate of that CA if
	// they have one.
	CertFile, KeyFile, CAFile string

	// Args are for the server, such as "--maxmemory", "10mb".
	Args []string
}

// Server is a Redis that was started. It outlives Kill, Stop and Restart under its URL.
type Server struct {
	t        testing.TB
	settings Settings
	dir      string
	port     int
	log      output.Log

	mu      sync.Mutex // guards process
	process *exec.Cmd  // nil while it is down
	ended   chan struct{}
}

// Start runs a server until the test ends. What it has acknowledged survives a Kill.
func Start(t testing.TB) *Server {
	t.Helper()
	return StartWith(t, Settings{})
}

// StartWith is Start with settings.
func StartWith(t testing.TB, settings Settings) *Server {
	t.Helper()
	logging.Disable()                            // each failure is returned, too
	dir, err := os.MkdirTemp("", "dwaar-redis-") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, settings: settings, dir: dir, port: wait.Port(t)}
	t.Cleanup(func() {
		s.Kill()
		_ = os.RemoveAll(dir)
		if t.Failed() {
			t.Logf("redis-server says:\n%s", s.log.Tail())
		}
	})
	s.Start()
	return s
}

// URL is where dwaar finds it, password included.
func (s *Server) URL() string {
	scheme := "redis"
	if s.settings.CertFile != "" {
		scheme = "rediss"
	}
	return scheme + "://" + s.user() + s.Addr() + "/0"
}

// UnixURL is the same by its socket.
func (s *Server) UnixURL() string { return "unix://" + s.user() + s.socket() }

// Addr is the host and the port of URL.
func (s *Server) Addr() string { return "127.0.0.1:" + strconv.Itoa(s.port) }

func (s *Server) user() string {
	if s.settings.Password == "" {
		return ""
	}
	return url.UserPassword("", s.settings.Password).String() + "@"
}

func (s *Server) socket() string { return filepath.Join(s.dir, "redis.sock") }

// Start runs the server again, which was killed or stopped, and waits until it answers.
func (s *Server) Start() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		s.t.Fatal("this Redis runs already")
	}
	cmd := exec.Command("redis-server", s.args()...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, &s.log, &s.log
	s.ended = make(chan struct{})
	if err := run(cmd, s.ended); err != nil {
		s.t.Fatalf("%v: sh integration/tools.sh", err)
	}
	s.process = cmd
	wait.Until(s.t, 30*time.Second, "redis-server", func() error {
		_, err := s.Do("PING")
		return err
	})
}

// run starts a process that ends with this one, however this one ends, and closes ended with it.
// The kernel watches the thread that has started it, so that is kept.
func run(cmd *exec.Cmd, ended chan<- struct{}) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
		close(ended)
	}()
	return <-started
}

func (s *Server) args() []string {
	args := []string{"--bind", "127.0.0.1", "--dir", s.dir, "--daemonize", "no", "--unixsocket", s.socket(), "--unixsocketperm", "700",
		"--save", "", "--appendonly", "yes", "--appendfsync", "no"} // what is written survives the process, if not the machine
	if s.settings.CertFile == "" {
		args = append(args, "--port", strconv.Itoa(s.port))
	} else {
		args = append(args, "--port", "0", "--tls-port", strconv.Itoa(s.port), "--tls-cert-file", s.settings.CertFile,
			"--tls-key-file", s.settings.KeyFile, "--tls-ca-cert-file", s.settings.CAFile, "--tls-auth-clients", "optional")
	}
	if s.settings.Password != "" {
		args = append(args, "--requirepass", s.settings.Password)
	}
	return append(args, s.settings.Args...)
}

// Stop ends the server in order.
func (s *Server) Stop() { s.end(syscall.SIGTERM) }

// Kill ends it as a crash does.
func (s *Server) Kill() { s.end(syscall.SIGKILL) }

func (s *Server) end(signal syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return
	}
	_ = s.process.Process.Signal(signal)
	late := time.AfterFunc(5*time.Second, func() { _ = s.process.Process.Kill() })
	<-s.ended
	late.Stop()
	s.process = nil
}

// Restart kills the server and starts it with what it had.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	s.Start()
}

// RestartEmpty kills the server and starts it without anything.
func (s *Server) RestartEmpty() {
	s.t.Helper()
	s.Kill()
	if err := os.RemoveAll(filepath.Join(s.dir, "appendonlydir")); err != nil {
		s.t.Fatal(err)
	}
	s.Start()
}

// Freeze lets the server accept connections and say nothing, until Thaw.
func (s *Server) Freeze() { s.signal(syscall.SIGSTOP) }

// Thaw ends Freeze.
func (s *Server) Thaw() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(signal syscall.Signal) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		s.t.Fatal("this Redis is down")
	}
	if err := s.process.Process.Signal(signal); err != nil {
		s.t.Fatal(err)
	}
}

// Do runs a command, such as "FLUSHALL" or "CONFIG", "SET", "maxmemory", "10mb", and returns
// the reply as go-redis reads it.
func (s *Server) Do(command ...any) (any, error) {
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: s.socket(), Password: s.settings.Password, Protocol: 2, DialerRetries: 1, MaxRetries: -1})
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	reply, err := client.Do(ctx, command...).Result()
	if err != nil {
		return nil, fmt.Errorf("%v: %w", command, err)
	}
	return reply, nil
}
