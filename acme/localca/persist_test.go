package localca_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/acme/localca"
	"dwaar/tlsstore/storage"
)

// childDir is the directory for which a test has started this binary again, as a process
// that can be killed: it makes CAs until then.
const childDir = "DWAAR_LOCALCA_TEST_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		fmt.Fprintln(os.Stderr, makeAndForget(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// makeAndForget makes a CA, over and over; each time the one before is taken away, the
// certificate first, as a root without its key would be damaged.
func makeAndForget(dir string) error {
	s, err := storage.NewFileSystem(dir)
	for i := 0; err == nil; i++ {
		if _, err = localca.New(s, slog.New(slog.DiscardHandler)).Root(context.Background()); err == nil {
			err = errors.Join(s.Delete(context.Background(), "pki/local/root.crt"), s.Delete(context.Background(), "pki/local"))
		}
		if i == 1 {
			fmt.Println("ready")
		}
	}
	return err
}

func TestTheCAOutlivesTheProcess(t *testing.T) {
	dir := t.TempDir()
	root := rootOf(t, newCA(t, dir))
	if _, intermediate := issued(t, newCA(t, dir), "localhost"); intermediate.CheckSignatureFrom(root) != nil {
		t.Error("the second process has another CA")
	}
	for _, name := range []string{"root", "intermediate"} {
		info, err := os.Stat(filepath.Join(dir, "pki", "local", name+".key"))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s.key: %v, %v; want mode 0600", name, info, err)
		}
	}
}

func TestProcessesThatStartTogetherMakeOneCA(t *testing.T) {
	dir := t.TempDir()
	roots := make([]string, 8)
	var all sync.WaitGroup
	for i := range roots {
		ca := newCA(t, dir) // a handle of its own, as another process has
		all.Go(func() {
			root, err := ca.Root(t.Context())
			if err != nil {
				t.Error(err)
			}
			roots[i] = string(root)
		})
	}
	all.Wait()
	for _, root := range roots {
		if root != roots[0] {
			t.Fatal("two roots were given out")
		}
	}
}

func TestNothingIsMadeBeforeItIsNeeded(t *testing.T) {
	dir := t.TempDir()
	ca := newCA(t, dir)
	if _, err := ca.FindRoot(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("FindRoot without a CA: %v", err)
	}
	if left, err := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("New and FindRoot have made %v (%v)", left, err)
	}
	made, err := ca.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if found, err := ca.FindRoot(t.Context()); string(found) != string(made) || err != nil {
		t.Errorf("FindRoot = %q, %v; want the root", found, err)
	}
}

// A CA that is killed while it is made is made by the next start, whatever of it was there.
func TestAKillAtAnyMomentLeavesACAOrNone(t *testing.T) {
	dir := t.TempDir()
	for range 12 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), childDir+"="+dir)
		child.Stderr = t.Output()
		stdout, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "ready\n" {
			t.Fatalf("the child said %q, %v", line, err)
		}
		time.Sleep(rand.N(15 * time.Millisecond)) // a real process is killed at a real moment
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait() // its error is the kill
		_, intermediate := issued(t, newCA(t, dir), "localhost")
		if err := intermediate.CheckSignatureFrom(rootOf(t, newCA(t, dir))); err != nil {
			t.Fatalf("after a kill: %v", err)
		}
	}
}

// Every state that a write can be interrupted in, in the order of the writes.
func TestAHalfWrittenPairIsNeverUsed(t *testing.T) {
	for _, name := range []string{"root", "intermediate"} {
		for _, interrupted := range []string{"crt", "key"} {
			s := &brokenStorage{Storage: open(t, t.TempDir()), at: "pki/local/" + name + "." + interrupted}
			ca := newCAOn(t, s)
			if _, err := ca.Issue(t.Context(), request(t, "localhost")); !errors.Is(err, errBroken) {
				t.Fatalf("%s.%s: %v, want the storage's error", name, interrupted, err)
			}
			s.at = ""
			leaf, intermediate := issued(t, ca, "localhost")
			if leaf.CheckSignatureFrom(intermediate) != nil || intermediate.CheckSignatureFrom(rootOf(t, ca)) != nil {
				t.Errorf("%s.%s: the chain does not hold", name, interrupted)
			}
		}
	}
}

var errBroken = errors.New("no space left on device")

// brokenStorage fails to store one key.
type brokenStorage struct {
	storage.Storage
	at string
}

func (s *brokenStorage) Store(ctx context.Context, key string, value []byte) error {
	if key == s.at {
		return errBroken
	}
	return s.Storage.Store(ctx, key, value)
}

func TestAnIntermediateThatIsDamagedIsMadeAnew(t *testing.T) {
	other := open(t, t.TempDir())
	rootOf(t, newCAOn(t, other))
	for what, damage := range map[string]func(*testing.T, storage.Storage){
		"no key": func(t *testing.T, s storage.Storage) { remove(t, s, "pki/local/intermediate.key") },
		"other key": func(t *testing.T, s storage.Storage) {
			put(t, s, "intermediate.key", value(t, other, "pki/local/intermediate.key"))
		},
		"no PEM":     func(t *testing.T, s storage.Storage) { put(t, s, "intermediate.crt", []byte("\x00")) },
		"other root": func(t *testing.T, s storage.Storage) { copyPair(t, other, s, "intermediate") },
	} {
		s := open(t, t.TempDir())
		ca := newCAOn(t, s)
		root := rootOf(t, ca)
		damage(t, s)
		if _, intermediate := issued(t, ca, "localhost"); intermediate.CheckSignatureFrom(root) != nil {
			t.Errorf("%s: the intermediate is not the root's", what)
		}
		if !rootOf(t, ca).Equal(root) {
			t.Errorf("%s: the root was replaced", what)
		}
	}
}

// The root is in clients' stores: dwaar does not part with it by itself.
func TestARootThatIsDamagedIsReportedAndKept(t *testing.T) {
	other := open(t, t.TempDir())
	rootOf(t, newCAOn(t, other))
	cases := []struct {
		damage func(*testing.T, storage.Storage)
		want   string
	}{
		{func(t *testing.T, s storage.Storage) { remove(t, s, "pki/local/root.key") }, "pki/local/root.crt is damaged: its key is gone"},
		{func(t *testing.T, s storage.Storage) { put(t, s, "root.key", value(t, other, "pki/local/root.key")) }, "damaged: the key is not the certificate's"},
		{func(t *testing.T, s storage.Storage) { put(t, s, "root.key", []byte("?")) }, "damaged: not PEM"},
		{func(t *testing.T, s storage.Storage) { copyAs(t, s, "intermediate", "root") }, "damaged: not a root"},
	}
	for _, c := range cases {
		s := open(t, t.TempDir())
		ca := newCAOn(t, s)
		rootOf(t, ca)
		c.damage(t, s)
		before := value(t, s, "pki/local/root.crt")
		_, err := ca.Issue(t.Context(), request(t, "localhost"))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "restore both from a backup") {
			t.Errorf("Issue: %v, want %q", err, c.want)
		}
		if string(value(t, s, "pki/local/root.crt")) != string(before) {
			t.Errorf("%s: the root was replaced", c.want)
		}
		remove(t, s, "pki/local/root.crt")
		remove(t, s, "pki/local/root.key")
		issued(t, ca, "localhost")
	}
}

// A machine that starts in 1970 keeps its root.
func TestARootFromTheFutureIsKept(t *testing.T) {
	dir := t.TempDir()
	made := rootOf(t, newCA(t, dir))
	synctest.Test(t, func(t *testing.T) { // the bubble's clock starts in 2000
		_, err := newCA(t, dir).Root(t.Context())
		if err == nil || !strings.Contains(err.Error(), "is the clock right?") {
			t.Errorf("Root before its time: %v", err)
		}
	})
	if !rootOf(t, newCA(t, dir)).Equal(made) {
		t.Error("the root was replaced")
	}
}

func TestAStorageThatFailsIsNoReasonForANewRoot(t *testing.T) {
	s := open(t, t.TempDir())
	root := rootOf(t, newCAOn(t, s))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newCAOn(t, s).Root(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Root: %v, want the context's error", err)
	}
	for _, unreadable := range []string{"root.crt", "root.key", "intermediate.crt", "intermediate.key"} {
		_, err := newCAOn(t, &unreadableStorage{s, "pki/local/" + unreadable}).Root(t.Context())
		if !errors.Is(err, errBroken) {
			t.Errorf("Root with an unreadable %s: %v", unreadable, err)
		}
	}
	if !rootOf(t, newCAOn(t, s)).Equal(root) {
		t.Error("the root was replaced")
	}
}

type unreadableStorage struct {
	storage.Storage
	at string
}

func (s *unreadableStorage) Load(ctx context.Context, key string) ([]byte, error) {
	if key == s.at {
		return nil, errBroken
	}
	return s.Storage.Load(ctx, key)
}

func put(t *testing.T, s storage.Storage, name string, v []byte) {
	t.Helper()
	if err := s.Store(t.Context(), "pki/local/"+name, v); err != nil || v == nil {
		t.Fatal(err, v)
	}
}

func remove(t *testing.T, s storage.Storage, key string) {
	t.Helper()
	if err := s.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
}

func copyPair(t *testing.T, from, to storage.Storage, name string) {
	t.Helper()
	put(t, to, name+".key", value(t, from, "pki/local/"+name+".key"))
	put(t, to, name+".crt", value(t, from, "pki/local/"+name+".crt"))
}

func copyAs(t *testing.T, s storage.Storage, from, to string) {
	t.Helper()
	put(t, s, to+".key", value(t, s, "pki/local/"+from+".key"))
	put(t, s, to+".crt", value(t, s, "pki/local/"+from+".crt"))
}
