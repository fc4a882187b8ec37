package integration

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"dwaar/integration/internal/client"
	"dwaar/integration/internal/dwaar"
	"dwaar/integration/internal/pki"
	"dwaar/integration/internal/responder"
	"dwaar/integration/internal/wait"
)

// A module of somebody else's builds against the libraries, compiles nothing of the program's,
// and its server is stapled: the first handshake goes on without waiting, a later one has it.
func TestAnotherModuleStaplesByTheLibrary(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	binary := buildUser(t, dir)
	ca := pki.New(t, "Library")
	ocsp := responder.New(t, ca)
	files := ca.Issue(t, pki.Request{Names: []string{"library.test"}, OCSP: []string{ocsp.URL()}}).Write(t, dir, "library")

	log := &dwaar.Log{}
	cmd := exec.Command(binary, files.Cert, files.Key)
	cmd.Stderr = log
	stdout := must(t)(cmd.StdoutPipe()).(interface{ Read([]byte) (int, error) })
	must(t)(nil, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		if fault := log.Fault(); fault != "" || t.Failed() {
			t.Errorf("the library's user says:\n%s", log)
		}
	})
	addr := must(t)(bufio.NewReader(stdout).ReadString('\n')).(string)
	target := client.Target{Addr: strings.TrimSpace(addr), Name: "library.test", Roots: ca.Pool()}
	if _, err := target.Do(); err != nil {
		t.Fatalf("the first handshake: %v", err)
	}
	wait.Until(t, soon, "a staple by the library", func() error {
		shown, err := target.Do()
		if err != nil {
			return err
		}
		return shown.GoodStaple()
	})
	must(t)(nil, cmd.Process.Signal(syscall.SIGTERM))
	if err := cmd.Wait(); err != nil {
		t.Errorf("Keeper.Run after its context ended: %v", err)
	}
}

// buildUser compiles testdata/user as a module that has dwaar by `replace`.
func buildUser(t *testing.T, dir string) string {
	t.Helper()
	root := must(t)(filepath.Abs("..")).(string)
	pki.WriteFile(t, filepath.Join(dir, "main.go"), must(t)(os.ReadFile("testdata/user/main.go")).([]byte))
	pki.WriteFile(t, filepath.Join(dir, "go.sum"), must(t)(os.ReadFile("../go.sum")).([]byte))
	pki.WriteFile(t, filepath.Join(dir, "go.mod"), fmt.Appendf(nil,
		"module example.com/user\n\ngo 1.26.0\n\nrequire dwaar v0.0.0\n\nreplace dwaar => %s\n", root))
	goTool(t, dir, "build", "-mod=mod", "-race", "-o", "user", ".")
	deps := goTool(t, dir, "list", "-mod=mod", "-deps", ".")
	for _, forbidden := range []string{"kong", "certmagic", "redis", "sqlite", "pgx", "mysql", "dwaar/proxy", "dwaar/tlsstore\n"} {
		if strings.Contains(deps, forbidden) {
			t.Errorf("a user of the stapler compiles %s:\n%s", forbidden, deps)
		}
	}
	return filepath.Join(dir, "user")
}

func goTool(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
