// Package dwaar builds the real program and runs it the way a user would: by its
// command line, its Dwaarfile and its signals.
package dwaar

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Binaries are the two builds the tests run.
type Binaries struct {
	Plain string // as users have it
	Race  string // reports data races on standard error
}

// Build compiles cmd/dwaar of the module in root into dir, twice.
func Build(root, dir string) (Binaries, error) {
	b := Binaries{Plain: filepath.Join(dir, "dwaar"), Race: filepath.Join(dir, "dwaar-race")}
	if err := build(root, b.Plain); err != nil {
		return b, err
	}
	return b, build(root, b.Race, "-race")
}

func build(root, out string, flags ...string) error {
	args := append([]string{"build", "-C", root, "-o", out}, flags...)
	cmd := exec.Command("go", append(args, "./cmd/dwaar")...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building dwaar: %w\n%s", err, text)
	}
	return nil
}
