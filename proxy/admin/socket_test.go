package admin_test

import (
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"dwaar/proxy/admin"
)

func listenError(t *testing.T, cfg admin.Config) error {
	t.Helper()
	srv, err := admin.New(cfg, newController(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	err = srv.Listen()
	if err == nil {
		t.Cleanup(func() { _ = srv.Close() })
	}
	return err
}

func TestSocketIsTheOwnersAndLeavesWithTheServer(t *testing.T) {
	path := socketPath(t)
	stop := serve(t, admin.Config{Listen: "unix/" + path}, newController())
	for file, want := range map[string]fs.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("mode of %s = %v, %v; want %v", file, info.Mode().Perm(), err, want)
		}
	}
	stop()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after the stop the socket is still there: %v", err)
	}
}

// deadSocket is what a killed process leaves.
func deadSocket(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	ln.(*net.UnixListener).SetUnlinkOnClose(false)
	_ = ln.Close()
}

func TestSocketOfADeadProcessIsReplaced(t *testing.T) {
	path := socketPath(t)
	deadSocket(t, path)
	serve(t, admin.Config{Listen: "unix/" + path}, newController())
	if _, err := client(t, path, "").Status(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestOfManyWhoFindADeadSocketOneWins(t *testing.T) {
	for range 30 {
		path := socketPath(t)
		deadSocket(t, path)
		var group sync.WaitGroup
		start, won := make(chan struct{}), make(chan struct{}, 16)
		for range cap(won) {
			group.Go(func() {
				<-start
				if listenError(t, admin.Config{Listen: "unix/" + path}) == nil {
					won <- struct{}{}
				}
			})
		}
		close(start)
		group.Wait()
		if len(won) != 1 {
			t.Fatalf("%d listen on one socket, want 1", len(won))
		}
	}
}

func TestSocketOfALiveProcessIsRefused(t *testing.T) {
	c, path := onSocket(t, newController())
	err := listenError(t, admin.Config{Listen: "unix/" + path})
	if err == nil || !strings.Contains(err.Error(), "another dwaar is running and listens on "+path) {
		t.Errorf("err = %v, want it to name the other", err)
	}
	if _, err := c.Status(t.Context()); err != nil {
		t.Errorf("the first one after the second was refused: %v", err)
	}
}

func TestFileInTheWayIsKept(t *testing.T) {
	path := socketPath(t)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := listenError(t, admin.Config{Listen: "unix/" + path}); err == nil || !strings.Contains(err.Error(), "is in the way and is no socket") {
		t.Errorf("err = %v", err)
	}
	if kept, err := os.ReadFile(path); string(kept) != "precious" {
		t.Errorf("the file = %q, %v; want it kept", kept, err)
	}
}

func TestStopLeavesTheSocketOfAnotherAlone(t *testing.T) {
	path := socketPath(t)
	stop := serve(t, admin.Config{Listen: "unix/" + path}, newController())
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	serve(t, admin.Config{Listen: "unix/" + path}, newController())
	stop()
	if _, err := client(t, path, "").Status(t.Context()); err != nil {
		t.Errorf("the second after the first one's stop: %v", err)
	}
}

func TestClosedWithoutRunTheSocketIsGone(t *testing.T) {
	path := socketPath(t)
	srv, err := admin.New(admin.Config{Listen: "unix/" + path}, newController(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(srv.Listen(), srv.Close(), srv.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after Close the socket is still there: %v", err)
	}
}

func TestOffListensNowhere(t *testing.T) {
	serve(t, admin.Config{Listen: admin.Off}, newController()) // and its stop returns
}
