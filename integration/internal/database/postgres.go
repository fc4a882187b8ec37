package database

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"dwaar/integration/internal/wait"
)

// PostgreSQL runs one for the length of the test.
func PostgreSQL(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, dir: directory(t), port: wait.Port(t), scheme: "postgres", client: psql}
	// Debian keeps the programs of each version apart.
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) == 0 {
		t.Fatal("there is no PostgreSQL: sh integration/tools.sh")
	}
	bin := filepath.Dir(found[len(found)-1])
	password, data := filepath.Join(s.dir, "password"), filepath.Join(s.dir, "data")
	if err := os.WriteFile(password, []byte(Password+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.setUp(s.command(filepath.Join(bin, "initdb"), "-D", data, "-U", "ca", "-A", "scram-sha-256", "--pwfile", password, "-E", "UTF8", "--no-sync"))
	s.start(s.command(filepath.Join(bin, "postgres"), "-D", data, "-p", strconv.Itoa(s.port), "-c", "listen_addresses=127.0.0.1",
		"-c", "unix_socket_directories="+s.dir, "-c", "fsync=off", "-c", "shared_buffers=32MB"),
		func() error { return s.SQL("", "SELECT 1") })
	return s
}

func psql(s *Server, database, statement string) *exec.Cmd {
	if database == "" {
		database = "postgres"
	}
	cmd := exec.Command("psql", "-h", "127.0.0.1", "-p", strconv.Itoa(s.port), "-U", "ca", "-d", database, "-X", "-v", "ON_ERROR_STOP=1", "-c", statement)
	cmd.Env = append(os.Environ(), "PGPASSWORD="+Password)
	return cmd
}
