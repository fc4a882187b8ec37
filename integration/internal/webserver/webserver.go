// Package webserver runs real web servers that staple by themselves, configured as the
// documents say.
package webserver

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

	"dwaar/integration/internal/dwaar"
	"dwaar/integration/internal/pki"
	"dwaar/integration/internal/wait"
)

// Server is one web server on a port of 127.0.0.1, with a directory of its own.
type Server struct {
	Addr string
	Dir  string

	t    testing.TB
	log  *dwaar.Log
	args []string
	cmd  *exec.Cmd
}

// New chooses the port and makes the directory; nothing runs yet.
func New(t testing.TB) *Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "web-") // short, as sockets lie in it
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(wait.Port(t))), Dir: dir, t: t, log: &dwaar.Log{}}
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Logf("the web server's log:\n%s", s.log.Tail(4<<10))
		}
		_ = os.RemoveAll(dir)
	})
	return s
}

// Path is a file in the server's directory.
func (s *Server) Path(name string) string { return filepath.Join(s.Dir, name) }

// Apache runs Apache httpd with what a page says for its configuration.
func (s *Server) Apache(says string) {
	s.t.Helper()
	const modules = "/usr/lib/apache2/modules/mod_"
	text := fmt.Sprintf("ServerRoot %[1]s\nDefaultRuntimeDir %[1]s\nPidFile %[1]s/pid\nServerName localhost\nListen %[2]s\nErrorLog /dev/stderr\nLogLevel ssl:warn\n", s.Dir, s.Addr)
	for _, name := range []string{"mpm_event", "authz_core", "socache_shmcb", "ssl"} {
		text += "LoadModule " + name + "_module " + modules + name + ".so\n"
	}
	if os.Getuid() == 0 {
		text += "User www-data\nGroup www-data\n"
	}
	s.run("apache.conf", text+says, "/usr/sbin/apache2", "-DFOREGROUND", "-f")
}

// Nginx runs nginx, one process, with what a page says for its http block.
func (s *Server) Nginx(says string) {
	s.t.Helper()
	var temporary strings.Builder
	for _, name := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temporary, "\t%s_temp_path %s;\n", name, s.Path(name))
	}
	s.run("nginx.conf", fmt.Sprintf("daemon off;\nmaster_process off;\npid %s;\nerror_log stderr;\nevents {}\nhttp {\n\taccess_log off;\n%s%s\n}\n",
		s.Path("pid"), &temporary, says), "/usr/sbin/nginx", "-e", "stderr", "-c")
}

// HAProxy runs HAProxy with what a page says for a frontend, and a socket for the operator.
func (s *Server) HAProxy(says string) {
	s.t.Helper()
	s.run("haproxy.cfg", fmt.Sprintf("global\n\tstats socket %s level admin\ndefaults\n\tmode http\n\ttimeout connect 5s\n\ttimeout client 5s\n\ttimeout server 5s\n%s\n",
		s.Path("admin.sock"), says), "/usr/sbin/haproxy", "-db", "-f")
}

// Hitch runs hitch with what a page says.
func (s *Server) Hitch(says string) {
	s.t.Helper()
	says += "\ndaemon = off\nworkers = 1\n"
	if os.Getuid() == 0 {
		says += "user = \"nobody\"\n"
	}
	s.run("hitch.conf", says, "/usr/sbin/hitch", "--config")
}

// run writes the configuration and runs the program, whose last argument it is.
func (s *Server) run(name, text, program string, args ...string) {
	s.t.Helper()
	pki.WriteFile(s.t, s.Path(name), []byte(text))
	s.args = append([]string{program}, append(args, s.Path(name))...)
	s.Start()
}

// Start runs the server again after Stop, and returns when it takes connections.
func (s *Server) Start() {
	s.t.Helper()
	s.cmd = exec.Command(s.args[0], s.args[1:]...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	wait.Until(s.t, 20*time.Second, s.args[0]+" to listen", func() error {
		c, err := net.Dial("tcp4", s.Addr)
		if err != nil {
			return fmt.Errorf("%w\n%s", err, s.log.Tail(2<<10))
		}
		return c.Close()
	})
}

// Stop ends the server, with its child processes.
func (s *Server) Stop() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(os.Interrupt)
	ended := make(chan struct{})
	go func() { _ = s.cmd.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		_ = s.cmd.Process.Kill()
		<-ended
	}
	s.cmd = nil
}
