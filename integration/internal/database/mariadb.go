package database

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"dwaar/integration/internal/wait"
)

// MariaDB runs one for the length of the test.
func MariaDB(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, dir: directory(t), port: wait.Port(t), scheme: "mysql", client: mariadb}
	data, socket := filepath.Join(s.dir, "data"), filepath.Join(s.dir, "sock")
	s.setUp(s.command("mariadb-install-db", "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db"))
	s.start(s.command("/usr/sbin/mariadbd", "--no-defaults", "--datadir="+data, "--port="+strconv.Itoa(s.port), "--bind-address=127.0.0.1",
		"--socket="+socket, "--pid-file="+filepath.Join(s.dir, "pid"), "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M",
		// A server whose time is not UTC.
		"--default-time-zone=+05:30"),
		func() error {
			return exec.Command("mariadb", "--no-defaults", "-S", socket, "-u", "root", "-e",
				"CREATE OR REPLACE USER ca@'127.0.0.1' IDENTIFIED BY '"+Password+"'; GRANT ALL ON *.* TO ca@'127.0.0.1' WITH GRANT OPTION").Run()
		})
	return s
}

func mariadb(s *Server, database, statement string) *exec.Cmd {
	args := []string{"--no-defaults", "-h", "127.0.0.1", "-P", strconv.Itoa(s.port), "-u", "ca", "-p" + Password}
	if database != "" {
		args = append(args, "-D", database)
	}
	return exec.Command("mariadb", append(args, "-e", statement)...)
}
