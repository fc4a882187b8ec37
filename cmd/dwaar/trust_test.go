package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// testStore is a system's store in a directory, and what was run.
type testStore struct {
	trustStore
	out bytes.Buffer
	ran []string
	err error // of what is run
}

func newTestStore(t *testing.T) *testStore {
	t.Helper()
	s := &testStore{}
	s.trustStore = trustStore{
		dir: t.TempDir(), root: true, stdout: &s.out,
		look: func(program string) (string, error) { return "/usr/sbin/" + program, nil },
		run: func(_ context.Context, program string, args ...string) error {
			s.ran = append(s.ran, strings.Join(append([]string{program}, args...), " "))
			return s.err
		},
	}
	return s
}

// told gives what the commands have printed and run since the last time.
func (s *testStore) told() (out string, ran []string) {
	out, ran = s.out.String(), s.ran
	s.out.Reset()
	s.ran = nil
	return out, ran
}

func (s *testStore) files(t *testing.T) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// rootName is the file that the data directory's root is installed as.
func rootName(t *testing.T, data string) string {
	t.Helper()
	block, _ := pem.Decode([]byte(readFile(t, in(data, "pki/local/root.crt"))))
	sum := sha256.Sum256(block.Bytes)
	return fmt.Sprintf("dwaar-local-root-%x.crt", sum[:8])
}

func TestTrustInstallsTheRootAndUntrustTakesItAway(t *testing.T) {
	s, data := newTestStore(t), in(t.TempDir(), "data")
	foreign := in(s.dir, "corp.crt")
	if err := os.WriteFile(foreign, []byte("corp"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, said := range []string{"wrote ", " is there already\n"} {
		if err := s.trust(t.Context(), localRootIn(data)); err != nil {
			t.Fatal(err)
		}
		path := in(s.dir, rootName(t, data))
		if got, want := readFile(t, path), readFile(t, in(data, "pki/local/root.crt")); got != want {
			t.Errorf("%s holds\n%s\nwant the root\n%s", path, got, want)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o644 {
			t.Errorf("mode of %s: %v, %v; others must be able to read it", path, info.Mode(), err)
		}
		out, ran := s.told()
		if !strings.Contains(out, said) || !strings.Contains(out, path) || len(ran) != 1 || ran[0] != "/usr/sbin/update-ca-certificates" {
			t.Errorf("trust says %q and runs %q, want %q", out, ran, said)
		}
	}
	for _, said := range []string{"removed ", " is not there\n"} {
		if err := s.untrust(t.Context(), localRootIn(data)); err != nil {
			t.Fatal(err)
		}
		out, ran := s.told()
		if !strings.Contains(out, said) || len(ran) != 1 || ran[0] != "/usr/sbin/update-ca-certificates --fresh" {
			t.Errorf("untrust says %q and runs %q, want %q", out, ran, said)
		}
		if files := s.files(t); len(files) != 1 || files[0] != "corp.crt" {
			t.Errorf("after untrust there are %q, want corp.crt alone", files)
		}
	}
	if !exists(in(data, "pki/local/root.key")) {
		t.Error("untrust has taken the CA itself")
	}
}

func TestADryRunPrintsAndChangesNothing(t *testing.T) {
	s, data := newTestStore(t), in(t.TempDir(), "data")
	s.dryRun, s.root = true, false
	dry := func(do func(context.Context, localRoot) error, lines ...string) {
		t.Helper()
		before := s.files(t)
		if err := do(t.Context(), localRootIn(data)); err != nil {
			t.Fatal(err)
		}
		out, ran := s.told()
		if want := strings.Join(lines, "\n") + "\n"; out != want || len(ran) != 0 {
			t.Errorf("the dry run prints\n%s\nand runs %q, want\n%s", out, ran, want)
		}
		if after := s.files(t); len(after) != len(before) {
			t.Errorf("the dry run has changed %q to %q", before, after)
		}
	}
	if err := s.check("trust", localRootIn(data)); err != nil {
		t.Errorf("a dry run needs no rights: %v", err)
	}
	dry(s.trust, "would make a local CA: "+data+"/pki/local/root.crt",
		"would write "+s.dir+"/dwaar-local-root-FINGERPRINT.crt", "would run update-ca-certificates")
	if exists(data) {
		t.Error("the dry run has made the data directory")
	}
	if _, err := localRootIn(data).make(t.Context()); err != nil {
		t.Fatal(err)
	}
	path := in(s.dir, rootName(t, data))
	dry(s.trust, "would write "+path, "would run update-ca-certificates")
	dry(s.untrust, path+" is not there", "would run update-ca-certificates --fresh")
	s.dryRun = false
	if err := s.trust(t.Context(), localRootIn(data)); err != nil {
		t.Fatal(err)
	}
	s.told()
	s.dryRun = true
	dry(s.trust, path+" is there already", "would run update-ca-certificates")
	dry(s.untrust, "would remove "+path, "would run update-ca-certificates --fresh")
}

func TestTrustRefusesByName(t *testing.T) {
	s, data := newTestStore(t), t.TempDir()
	expect := func(err error, words ...string) {
		t.Helper()
		for _, word := range words {
			if err == nil || !strings.Contains(err.Error(), word) {
				t.Errorf("%v, want %q", err, word)
			}
		}
	}
	s.root = false
	expect(s.check("trust", localRootIn("/a b")), "only root may", "sudo ", " trust --data '/a b'")
	s.root = true
	dir := s.dir
	s.dir = in(dir, "missing")
	expect(s.check("trust", localRootIn(data)), "no Debian-like system", s.dir, data+"/pki/local/root.crt")
	s.dir = dir
	look := s.look
	s.look = func(string) (string, error) { return "", exec.ErrNotFound }
	expect(s.check("trust", localRootIn(data)), "no Debian-like system", "update-ca-certificates")
	s.look = look
	expect(s.untrust(t.Context(), localRootIn(data)), "there is no local CA in "+data)

	s.err = errors.New("exit status 1")
	expect(s.trust(t.Context(), localRootIn(data)), "update-ca-certificates: exit status 1")
	expect(s.untrust(t.Context(), localRootIn(t.TempDir())), "installed are: "+in(s.dir, rootName(t, data)))
	s.err = nil

	path := in(s.dir, rootName(t, data))
	if err := os.WriteFile(path, []byte("something else"), 0o644); err != nil {
		t.Fatal(err)
	}
	expect(s.untrust(t.Context(), localRootIn(data)), path+" is not the root of the CA in "+data+": it stays")
	if !exists(path) {
		t.Error("untrust has removed somebody else's file")
	}
	if err := s.trust(t.Context(), localRootIn(data)); err != nil || readFile(t, path) != readFile(t, in(data, "pki/local/root.crt")) {
		t.Errorf("trust does not mend its file: %v", err)
	}
	if err := os.Remove(in(data, "pki/local/root.key")); err != nil {
		t.Fatal(err)
	}
	expect(s.trust(t.Context(), localRootIn(data)), "pki/local/root.crt is damaged: its key is gone")
}

// A CA made by root in another user's directory would be of no use to that user's dwaar.
func TestTrustMakesNoCAInAnotherUsersDirectory(t *testing.T) {
	if os.Geteuid() != 0 {
		return // /root below belongs to another user for everybody else
	}
	dir := t.TempDir()
	if err := os.Chown(dir, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	s := newTestStore(t)
	for _, dry := range []bool{true, false} {
		s.dryRun = dry
		if err := s.trust(t.Context(), localRootIn(in(dir, "data"))); err == nil || !strings.Contains(err.Error(), dir+" belongs to another user") {
			t.Errorf("dry run %v: %v", dry, err)
		}
	}
	if left, err := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("made %v (%v)", left, err)
	}
}

// The commands as they are typed, on this very system, dry.
func TestTrustAndUntrustAreCommands(t *testing.T) {
	data := in(t.TempDir(), "data")
	if _, err := localRootIn(data).make(t.Context()); err != nil {
		t.Fatal(err)
	}
	code := 1
	want := "no Debian-like system"
	if _, err := lookProgram(updateProgram); err == nil && exists("/usr/local/share/ca-certificates") {
		code, want = 0, filepath.Join("/usr/local/share/ca-certificates", rootName(t, data))
	}
	dwaar(t, "trust", "--dry-run", "--data", data).expect(t, code, want)
	dwaar(t, "untrust", "--dry-run", "--data", data).expect(t, code, want)
}

func TestTrustLooksWhereTheDwaarfileKeepsTheCA(t *testing.T) {
	dir := t.TempDir()
	data, elsewhere, file := in(dir, "data"), in(dir, "elsewhere"), in(dir, "Dwaarfile")
	if _, err := localRootIn(elsewhere).make(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := newTestStore(t)
	find := func(text string) (localRoot, error) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		root, done, err := rootFlags{dataFlag{data}, file}.find()
		t.Cleanup(done)
		return root, err
	}
	root, err := find("{\n\tstorage file_system elsewhere\n}\n")
	if err == nil {
		err = s.trust(t.Context(), root)
	}
	if files := s.files(t); err != nil || len(files) != 1 || files[0] != rootName(t, elsewhere) {
		t.Errorf("trust installs %q, %v", files, err)
	}
	if want := "trust --data " + data + " --config " + file; !strings.HasSuffix(root.asRoot("trust"), want) {
		t.Errorf("as root it is %q, want %q", root.asRoot("trust"), want)
	}
	root, err = find("{\n\tstorage redis redis://:hunter2@127.0.0.1:" + strings.TrimPrefix(freePort(t), "127.0.0.1:") + "\n}\n")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.trust(t.Context(), root); err == nil || !strings.Contains(err.Error(), "storage is unavailable") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("with a storage that is down: %v", err)
	}
	if !strings.HasPrefix(root.file(), "pki/local/root.crt in redis://") || exists(data) {
		t.Errorf("the root is %s; a copy is made: %v", root.file(), exists(data))
	}
}

func TestTrustDoesNotTakeTheCopyForTheStorage(t *testing.T) {
	data := t.TempDir()
	if err := os.Mkdir(in(data, "replica"), 0o700); err != nil {
		t.Fatal(err)
	}
	dwaar(t, "trust", "--dry-run", "--data", data).expect(t, 1, "shares its storage", "--config DWAARFILE")
	dwaar(t, "untrust", "--dry-run", "--data", data).expect(t, 1, "shares its storage", "--config DWAARFILE")
	dwaar(t, "trust", "--dry-run", "--data", data, "--config", in(data, "none")).expect(t, 2, "no such file")
}
