package storagetest

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"dwaar/tlsstore/storage"
)

// holderDir is the directory for which a test has started its binary again, as a process that
// can be killed.
const holderDir = "DWAAR_STORAGETEST_HOLDER"

// Main is the TestMain of packages that use DieHolding.
func Main(m *testing.M) {
	if dir := os.Getenv(holderDir); dir != "" {
		fmt.Fprintln(os.Stderr, hold(dir, os.Args[1]))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// hold says so on stdout once it holds the lock, and then lives until it is killed.
func hold(dir, lock string) error {
	s, err := storage.NewFileSystem(dir)
	if err != nil {
		return err
	}
	if err := s.Lock(context.Background(), lock); err != nil {
		return err
	}
	fmt.Println("ready")
	select {}
}

// DieHolding lets a process take a lock in a FileSystem's directory, and kills it.
func DieHolding(t *testing.T, dir, lock string) {
	t.Helper()
	child := exec.Command(os.Args[0], lock)
	child.Env = append(os.Environ(), holderDir+"="+dir)
	child.Stderr = t.Output()
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "ready\n" {
		t.Errorf("the holder said %q, %v", line, err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = child.Wait() // its error is the kill
}
