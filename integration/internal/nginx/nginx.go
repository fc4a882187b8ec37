// Package nginx runs real nginx processes as upstreams that can be killed and started again.
package nginx

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"dwaar/integration/internal/wait"
)

// program is where Debian's package nginx has it, also for users whose PATH lacks it.
const program = "/usr/sbin/nginx"

// Server is one nginx, a single process, on a port of 127.0.0.1 that it keeps over restarts.
type Server struct {
	Addr string

	t   testing.TB
	dir string
	cmd *exec.Cmd
}

// Start runs an nginx until the test ends. Locations is what its server block says.
func Start(t testing.TB, locations string) *Server {
	t.Helper()
	s := &Server{Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(wait.Port(t))), t: t, dir: t.TempDir()}
	text := fmt.Sprintf(`daemon off;
master_process off;
pid %[1]s/pid;
error_log %[1]s/error.log;
events { worker_connections 1024; }
http {
	log_format asked '$request_method $request_uri';
	access_log %[1]s/asked asked;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	server {
		listen %[2]s;
		%[3]s
	}
}
`, s.dir, s.Addr, locations)
	if err := os.WriteFile(s.path("nginx.conf"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	s.Restart()
	return s
}

func (s *Server) path(name string) string { return filepath.Join(s.dir, name) }

// Restart runs nginx again after it was killed, and returns when it takes connections.
func (s *Server) Restart() {
	s.t.Helper()
	s.cmd = exec.Command(program, "-p", s.dir, "-c", s.path("nginx.conf"), "-e", s.path("error.log"))
	said, err := os.Create(s.path("said"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer said.Close()
	s.cmd.Stdout, s.cmd.Stderr = said, said
	if err := s.cmd.Start(); err != nil {
		s.t.Fatalf("nginx: %v", err)
	}
	wait.Until(s.t, 10*time.Second, "nginx to listen", func() error {
		c, err := net.Dial("tcp4", s.Addr)
		if err != nil {
			text, _ := os.ReadFile(said.Name())
			return fmt.Errorf("%w\n%s", err, text)
		}
		return c.Close()
	})
}

// Kill ends nginx at once, in the middle of whatever it does.
func (s *Server) Kill() {
	if s.cmd != nil && s.cmd.Process != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

// Asked is every request that was answered in full, as "GET /path?query".
func (s *Server) Asked() []string {
	s.t.Helper()
	text, err := os.ReadFile(s.path("asked"))
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}
