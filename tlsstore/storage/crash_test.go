package storage_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"dwaar/tlsstore/storage"
)

// childJob names the job for which a test has started this binary again, as a process that
// can be killed.
const childJob = "DWAAR_STORAGE_TEST_JOB"

func TestMain(m *testing.M) {
	if job := os.Getenv(childJob); job != "" {
		if err := runChild(job, os.Args[1], os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// runChild says "ready" on stdout once it holds the lock or writes, and then works until killed.
func runChild(job, dir, name string) error {
	s, err := storage.NewFileSystem(dir)
	if err != nil {
		return err
	}
	if job == "hold" {
		if err := s.Lock(context.Background(), name); err != nil {
			return err
		}
		fmt.Println("ready")
		select {}
	}
	for i := 0; ; i++ {
		if err := s.Store(context.Background(), name, value(i)); err != nil {
			return err
		}
		if i == 1 {
			fmt.Println("ready")
		}
	}
}

// value is large enough that a kill often hits the middle of its write.
func value(i int) []byte { return bytes.Repeat([]byte{byte('a' + i%26)}, 1<<20) }

func TestAKilledWriterLeavesTheOldValueOrTheNewOne(t *testing.T) {
	dir := t.TempDir()
	for range 15 {
		writer := start(t, "write", dir, "deep/down/key")
		time.Sleep(rand.N(20 * time.Millisecond)) // a real process is killed at a real moment
		kill(t, writer)
		s := open(t, dir)
		got, err := s.Load(t.Context(), "deep/down/key")
		if err != nil || len(got) != 1<<20 || len(bytes.Trim(got, string(got[:1]))) != 0 {
			t.Fatalf("after a kill: %d bytes, %v", len(got), err)
		}
		if left := staged(t, dir); len(left) != 0 {
			t.Errorf("New left %q", left)
		}
	}
}

func TestAWriterKilledBeforeItsRenameChangesNothing(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if err := s.Store(t.Context(), "key", []byte("old")); err != nil {
		t.Fatal(err)
	}
	if err := storage.StageOnly(s, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Load(t.Context(), "key"); string(got) != "old" || err != nil {
		t.Errorf("Load = %q, %v; want the old value", got, err)
	}
	if got, err := s.List(t.Context(), "", true); len(got) != 1 || err != nil {
		t.Errorf("List = %q, %v; want the key alone", got, err)
	}
	if left := staged(t, dir); len(left) != 1 {
		t.Fatalf("staged files %q; the test has lost its subject", left)
	}
	open(t, dir)
	if left := staged(t, dir); len(left) != 0 {
		t.Errorf("New left %q", left)
	}
}

func TestNewDoesNotTouchALivingWritersFile(t *testing.T) {
	dir := t.TempDir()
	release, err := storage.StageAndHold(open(t, dir), []byte("new"))
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	open(t, dir)
	if left := staged(t, dir); len(left) != 1 {
		t.Errorf("staged files = %q after New, want the living writer's", left)
	}
}

func staged(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, ".staging", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// start runs a job in a process of its own and returns when it is at work.
func start(t *testing.T, job, dir, name string) *exec.Cmd {
	t.Helper()
	child := exec.Command(os.Args[0], dir, name)
	child.Env = append(os.Environ(), childJob+"="+job)
	child.Stderr = t.Output()
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "ready\n" {
		t.Fatalf("child said %q, %v", line, err)
	}
	return child
}

func kill(t *testing.T, child *exec.Cmd) {
	t.Helper()
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	child.Wait() // its error is the kill
}
