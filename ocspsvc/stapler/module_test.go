package stapler_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const userProgram = `package main

import (
	"context"
	"crypto/tls"
	"log/slog"
	"os"

	"dwaar/netguard"
	"dwaar/ocspsvc/client"
	"dwaar/ocspsvc/stapler"
)

func main() {
	guard, err := netguard.New(netguard.Config{})
	if err != nil {
		panic(err)
	}
	responders, err := client.New(client.Config{}, guard, slog.Default())
	if err != nil {
		panic(err)
	}
	keeper, err := stapler.NewKeeper(stapler.KeeperConfig{}, responders, nil, slog.Default())
	if err != nil {
		panic(err)
	}
	config := &tls.Config{}
	config.GetCertificate = keeper.GetCertificate(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, nil })
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if err := keeper.Run(ctx); err != nil {
		panic(err)
	}
	os.Stdout.WriteString("stapling\n")
}
`

// A second module uses stapler and client as a user would, and must not get
// what only other rooms of the house need.
func TestAnotherModuleGetsStaplerAndClientAndNothingHeavy(t *testing.T) {
	house, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string]string{
		"main.go": userProgram,
		"go.mod":  userModule(t, house),
		"go.sum":  read(t, filepath.Join(house, "go.sum")),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out := run(t, dir, "run", "."); out != "stapling\n" {
		t.Errorf("the program said %q", out)
	}
	deps := strings.Fields(run(t, dir, "list", "-deps", "."))
	if !slices.Contains(deps, "dwaar/ocspsvc/stapler") || !slices.Contains(deps, "dwaar/ocspsvc/client") {
		t.Fatalf("deps = %q", deps)
	}
	for _, heavy := range []string{"certmagic", "zap", "kong", "database/sql", "sqlite", "pgx", "mysql", "redis", "fsnotify", "dwaar/tlsstore", "dwaar/proxy", "dwaar/acme", "testing"} {
		for _, dep := range deps {
			if strings.Contains(dep, heavy) {
				t.Errorf("a user of the stapler compiles %s", dep)
			}
		}
	}
}

// userModule is a go.mod that replaces dwaar by house and needs what house needs.
func userModule(t *testing.T, house string) string {
	t.Helper()
	_, requirements, found := strings.Cut(read(t, filepath.Join(house, "go.mod")), "\nrequire")
	if !found {
		t.Fatal("the go.mod of the house has no requirements")
	}
	return "module user.example\n\ngo 1.26.0\n\nrequire dwaar v0.0.0\n\nreplace dwaar => " + house + "\n\nrequire" + requirements
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// run runs the go command in dir, without network.
func run(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}
