package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// trustStore is the system's store of trusted roots.
type trustStore struct {
	dir    string // where roots of this machine's own are put
	dryRun bool
	root   bool // we are root
	stdout io.Writer

	look func(program string) (path string, err error)
	run  func(ctx context.Context, program string, args ...string) error
}

// updateProgram gathers what is in the directory into what programs read.
const updateProgram = "update-ca-certificates"

// debianStore is the store of Debian and all who took over its way.
func debianStore(a *app, dryRun bool) trustStore {
	return trustStore{
		dir: "/usr/local/share/ca-certificates", dryRun: dryRun, root: os.Geteuid() == 0, stdout: a.stdout,
		look: lookProgram,
		run: func(ctx context.Context, program string, args ...string) error {
			cmd := exec.CommandContext(ctx, program, args...)
			cmd.Stdout, cmd.Stderr = a.stdout, a.stderr
			return cmd.Run()
		},
	}
}

// lookProgram also looks where only root's PATH does.
func lookProgram(program string) (string, error) {
	path, err := exec.LookPath(program)
	if errors.Is(err, exec.ErrNotFound) {
		path, err = exec.LookPath(filepath.Join("/usr/sbin", program))
	}
	return path, err
}

// check refuses a system that keeps its roots in another way, and a user who may not change
// them.
func (s trustStore) check(command string, local localRoot) error {
	_, err := s.look(updateProgram)
	if err != nil || !exists(s.dir) {
		return fmt.Errorf("this is no Debian-like system: it lacks %s or %s (package ca-certificates); the root to trust is %s",
			updateProgram, s.dir, local.file())
	}
	if !s.root && !s.dryRun {
		return fmt.Errorf("only root may change the system's store: %s", local.asRoot(command))
	}
	return nil
}

// path is the file of a root: named by its fingerprint, several dwaars do not get into
// each other's way.
func (s trustStore) path(root []byte) (string, error) {
	block, _ := pem.Decode(root)
	if block == nil {
		return "", errors.New("the local CA's root is not PEM")
	}
	sum := sha256.Sum256(block.Bytes)
	return filepath.Join(s.dir, rootFile(fmt.Sprintf("%x", sum[:8]))), nil
}

func rootFile(fingerprint string) string { return "dwaar-local-root-" + fingerprint + ".crt" }

func (s trustStore) write(path string, root []byte) error {
	switch same, err := holds(path, root); {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	case same:
		fmt.Fprintf(s.stdout, "%s is there already\n", path)
		return nil
	case s.dryRun:
		fmt.Fprintf(s.stdout, "would write %s\n", path)
		return nil
	}
	if err := replaceFile(path, root); err != nil {
		return err
	}
	fmt.Fprintf(s.stdout, "wrote %s\n", path)
	return nil
}

// update is run also when no file has changed: an earlier run may have ended before it.
func (s trustStore) update(ctx context.Context, args ...string) error {
	program, err := s.look(updateProgram)
	if err != nil {
		return err
	}
	line := strings.Join(append([]string{updateProgram}, args...), " ")
	if s.dryRun {
		fmt.Fprintf(s.stdout, "would run %s\n", line)
		return nil
	}
	if err := s.run(ctx, program, args...); err != nil {
		return fmt.Errorf("%s: %w", line, err)
	}
	return nil
}

// others names the roots of other dwaars, or is empty.
func (s trustStore) others() string {
	files, err := filepath.Glob(filepath.Join(s.dir, rootFile("*")))
	if err != nil || len(files) == 0 {
		return ""
	}
	return "; installed are: " + strings.Join(files, ", ")
}

// holds reports whether a file has just these bytes.
func holds(path string, want []byte) (bool, error) {
	got, err := os.ReadFile(path)
	return err == nil && bytes.Equal(got, want), err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// mayMakeIn refuses to make files where another user's dwaar could not read them.
func mayMakeIn(data string) error {
	for dir := data; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if errors.Is(err, fs.ErrNotExist) && dir != filepath.Dir(dir) {
			continue
		}
		if err != nil {
			return err
		}
		if owner, ok := info.Sys().(*syscall.Stat_t); ok && int(owner.Uid) != os.Geteuid() {
			return fmt.Errorf("there is no local CA in %s yet, and %s belongs to another user, whose dwaar makes it with its first local name: start that first", data, dir)
		}
		return nil
	}
}
