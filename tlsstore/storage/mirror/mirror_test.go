package mirror_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/tlsstore/storage"
	"dwaar/tlsstore/storage/mirror"
	"dwaar/tlsstore/storage/storagetest"
)

func TestMain(m *testing.M) { storagetest.Main(m) }

// shared makes a FileSystem a storage.Shared that never changes by itself.
type shared struct{ *storage.FileSystem }

func (shared) Ping(ctx context.Context) error { return ctx.Err() }

func (shared) Changes(ctx context.Context, _ storage.Cursor) (storage.Changes, error) {
	return storage.Changes{Next: storage.Cursor{Epoch: "the only one"}}, ctx.Err()
}

func (shared) Listen(ctx context.Context, _ func()) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestAMirrorIsAStorage(t *testing.T) {
	t.Run("OfFiles", func(t *testing.T) {
		var dir string
		storagetest.Run(t, storagetest.Backend{
			Open: func(t *testing.T) (storage.Storage, func() storage.Storage) {
				dir = t.TempDir()
				again := func() storage.Storage { return running(t, shared{files(t, dir)}, t.TempDir()) }
				return again(), again
			},
			DieHolding: func(t *testing.T, lock string) { storagetest.DieHolding(t, dir, lock) },
		})
	})
	t.Run("OfMemory", func(t *testing.T) {
		var content *memory
		storagetest.Run(t, storagetest.Backend{
			Open: func(t *testing.T) (storage.Storage, func() storage.Storage) {
				content = newMemory()
				again := func() storage.Storage { return running(t, &node{memory: content}, t.TempDir()) }
				return again(), again
			},
			DieHolding: func(t *testing.T, lock string) {
				dying := &node{memory: content}
				if ok, err := dying.TryLock(t.Context(), lock); !ok || err != nil {
					t.Fatal(ok, err)
				}
				time.AfterFunc(10*time.Millisecond, func() { _ = dying.Unlock(context.Background(), lock) }) // its lease
			},
		})
	})
}

// A storage that was always down is none, but its errors say so.
func TestAMirrorThatWasNeverUpIsUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t, newMemory())
		n.down.Store(true)
		n.start(t)
		n.wantDown(t, "connection refused")
		n.wantUnavailable(t, "a", "certificates/a")
	})
}

// machine is a node with its disk and its log.
type machine struct {
	*node
	*mirror.Mirror
	dir  string
	disk *disk
	log  *journal
	stop func()

	mu   sync.Mutex
	news []string // what OnChange has heard
}

func newNode(t *testing.T, content *memory) *machine {
	t.Helper()
	return &machine{node: &node{memory: content}, dir: t.TempDir(), log: &journal{}}
}

// start makes a process on the machine, connects it and waits until nothing more happens.
func (n *machine) start(t *testing.T) {
	t.Helper()
	n.prepare(t)
	_ = n.Connect(t.Context())
	n.run(t)
}

// prepare makes a process that has not begun.
func (n *machine) prepare(t *testing.T) {
	t.Helper()
	n.disk = &disk{Storage: files(t, n.dir)}
	n.Mirror = mirror.New(n.node, n.disk, slog.New(slog.NewTextHandler(n.log, nil)))
	n.OnChange(func(keys []string, all bool) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.news = append(n.news, keys...)
		if all {
			n.news = append(n.news, "*")
		}
	})
}

func (n *machine) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	m := n.Mirror
	go func() {
		defer close(done)
		if err := m.Run(ctx); err != nil {
			t.Errorf("Run = %v", err)
		}
	}()
	n.stop = func() { cancel(); <-done }
	t.Cleanup(n.stop)
	settle(t)
}

// restart ends the process, as a kill would but for its last words, and starts another one.
func (n *machine) restart(t *testing.T) {
	t.Helper()
	n.stop()
	n.start(t)
}

// heard returns and forgets what OnChange has said.
func (n *machine) heard() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	heard := strings.Join(n.news, " ")
	n.news = nil
	return heard
}

// settle lets everything happen that is about to.
func settle(t *testing.T) {
	t.Helper()
	time.Sleep(100 * time.Millisecond)
	synctest.Wait()
}

// running is a mirror outside of a bubble.
func running(t *testing.T, s storage.Shared, dir string) storage.Storage {
	t.Helper()
	m := mirror.New(s, files(t, dir), slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err := m.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return m
}

func files(t *testing.T, dir string) *storage.FileSystem {
	t.Helper()
	s, err := storage.NewFileSystem(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// journal is a log that can be read.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

// count is how many lines have a text.
func (j *journal) count(text string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), text)
}
