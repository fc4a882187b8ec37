// Package database runs PostgreSQL and MariaDB as an unprivileged user, on ports of
// 127.0.0.1 and in directories of their own.
package database

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"dwaar/integration/internal/output"
	"dwaar/integration/internal/wait"
)

// Password is the one of the user ca, who may do everything.
const Password = "p@ss/w:rd"

// escaped is Password as it is in a URL.
const escaped = "p%40ss%2Fw%3Ard"

// Server is a running database server.
type Server struct {
	t      testing.TB
	dir    string
	port   int
	scheme string
	client func(s *Server, database, statement string) *exec.Cmd
	count  atomic.Int64
	log    output.Log
}

// New makes an empty database, and returns its DSN.
func (s *Server) New(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("ca%d", s.count.Add(1))
	if err := s.SQL("", "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s://ca:%s@127.0.0.1:%d/%s", s.scheme, escaped, s.port, name)
}

// SQL runs a statement by the server's own client.
func (s *Server) SQL(dsn, statement string) error {
	out, err := s.client(s, dsn[strings.LastIndex(dsn, "/")+1:], statement).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", statement, err, out)
	}
	return nil
}

// directory is one of the server's user. It is not t.TempDir, into which only the test's
// user can look.
func directory(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "dwaar-db-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if id, drop := unprivileged(t); drop {
		if err := os.Chown(dir, int(id.Uid), int(id.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// unprivileged is nobody, if the test is run by root: no server runs as that.
func unprivileged(t testing.TB) (id *syscall.Credential, drop bool) {
	t.Helper()
	if os.Getuid() != 0 {
		return nil, false
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.ParseUint(nobody.Uid, 10, 32)
	gid, _ := strconv.ParseUint(nobody.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, true
}

// command prepares a program of the server.
func (s *Server) command(program string, args ...string) *exec.Cmd {
	s.t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "HOME="+s.dir, "LC_ALL=C")
	cmd.Stdout, cmd.Stderr = &s.log, &s.log
	if id, drop := unprivileged(s.t); drop {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: id}
	}
	return cmd
}

// start runs the server until the test ends, and waits until it answers.
func (s *Server) start(cmd *exec.Cmd, ready func() error) {
	s.t.Helper()
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGQUIT) // PostgreSQL's children end with it
		ended := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		ended.Stop()
		if s.t.Failed() {
			s.t.Logf("the server says:\n%s", s.log.Tail())
		}
	})
	wait.Until(s.t, 60*time.Second, "the server", ready)
}

// setUp runs what prepares the directory.
func (s *Server) setUp(cmd *exec.Cmd) {
	s.t.Helper()
	if err := cmd.Run(); err != nil {
		s.t.Fatalf("%v: %v\n%s", cmd.Args, err, s.log.Tail())
	}
}
