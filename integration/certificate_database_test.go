package integration

import (
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every command of docs/certificate-database.md is run, in their order, by one shell.
func TestTheCommandsOfTheDatabasePage(t *testing.T) {
	t.Parallel()
	page := must(t)(os.ReadFile("../docs/certificate-database.md")).([]byte)
	script := ""
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllSubmatch(page, -1) {
		script += string(block[1])
	}
	if strings.Count(script, "dwaar ca ") != 7 {
		t.Fatalf("the commands are\n%s", script)
	}
	dir := t.TempDir()
	must(t)(nil, os.Symlink(binaries.Plain, filepath.Join(dir, "dwaar")))
	cmd := exec.CommandContext(t.Context(), "sh", "-euc", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	out := string(must(t)(cmd.CombinedOutput()).([]byte))
	for _, want := range []string{"1 added, 0 were there", "1d0a    good", "1d0a revoked, since 20", "(keyCompromise)", "ca.crl lists 1 certificates", "0 added, 1 were there"} {
		if !strings.Contains(out, want) {
			t.Errorf("the commands do not say %q:\n%s", want, out)
		}
	}
	plain := regexp.MustCompile("(?s)```sql\n(.*?)```").FindSubmatch(page)
	t.Run("PlainSQL", func(t *testing.T) { plainSQLOfThePage(t, dir, string(plain[1])) })
}

// plainSQLOfThePage runs the statement on a certificate that is good.
func plainSQLOfThePage(t *testing.T, dir, statement string) {
	db := "sqlite:" + filepath.Join(dir, "plain.db")
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(binaries.Plain, append([]string{"ca", args[0], "--database", db, "--issuer", filepath.Join(dir, "ca.pem")}, args[1:]...)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	run("add", filepath.Join(dir, "leaf.pem"))
	plain := must(t)(sql.Open("sqlite", strings.TrimPrefix(db, "sqlite:"))).(*sql.DB) // certdb brings the driver
	defer plain.Close()
	must(t)(plain.ExecContext(t.Context(), statement))
	if out := run("list"); !strings.Contains(out, "revoked") || !strings.Contains(out, "superseded") {
		t.Errorf("after the statement:\n%s", out)
	}
}
