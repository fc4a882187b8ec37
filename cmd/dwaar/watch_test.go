package main

import (
	"context"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// watched runs watchFiles over a file and an import inside a bubble and counts what it tells.
func watched(t *testing.T, do func(path string, use func(path *string), told func() int)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "Dwaarfile")
	write(t, path, "one")
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		var count atomic.Int32
		var inForce atomic.Pointer[string]
		inForce.Store(&path)
		withImport := func(path string) []string {
			return []string{path, path + ".import", filepath.Join(filepath.Dir(path), "sites", "*.site")}
		}
		go watchFiles(ctx, func() string { return *inForce.Load() }, withImport, func() { count.Add(1) })
		synctest.Wait()
		do(path, inForce.Store, func() int { synctest.Wait(); return int(count.Load()) })
		stop()
	})
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWatchTellsAChangeOnceItKeepsStill(t *testing.T) {
	watched(t, func(path string, _ func(*string), told func() int) {
		time.Sleep(10 * watchEvery)
		if told() != 0 {
			t.Errorf("told %d changes of an unchanged file", told())
		}
		write(t, path, "two, longer")
		time.Sleep(watchEvery + time.Millisecond)
		if told() != 0 {
			t.Error("told a change at first sight: it may still be being written")
		}
		time.Sleep(10 * watchEvery)
		if told() != 1 {
			t.Errorf("told %d times, want once", told())
		}
	})
}

func TestWatchWaitsWhileAFileKeepsChanging(t *testing.T) {
	watched(t, func(path string, _ func(*string), told func() int) {
		text := "x"
		time.Sleep(watchEvery / 2) // writes and looks take turns
		for range 5 {
			text += "x"
			write(t, path, text)
			time.Sleep(watchEvery)
		}
		if told() != 0 {
			t.Errorf("told %d times while the file was being written", told())
		}
		time.Sleep(2 * watchEvery)
		if told() != 1 {
			t.Errorf("told %d times, want once", told())
		}
	})
}

func TestWatchSeesARenameOverAndAReturn(t *testing.T) {
	watched(t, func(path string, _ func(*string), told func() int) {
		write(t, path+".new", "one") // same size
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * watchEvery)
		if told() != 1 {
			t.Errorf("after a rename told %d, want 1", told())
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * watchEvery)
		if told() != 1 {
			t.Error("told that the file is gone: there is nothing to read")
		}
		write(t, path, "back, and other")
		time.Sleep(3 * watchEvery)
		if told() != 2 {
			t.Errorf("after the return told %d, want 2", told())
		}
	})
}

func TestWatchSeesImports(t *testing.T) {
	watched(t, func(path string, _ func(*string), told func() int) {
		write(t, path+".import", "new")
		time.Sleep(3 * watchEvery)
		if told() != 1 {
			t.Errorf("after a new import told %d, want 1", told())
		}
		if err := os.Remove(path + ".import"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * watchEvery)
		if told() != 2 {
			t.Errorf("after an import went told %d, want 2", told())
		}
	})
}

func TestWatchGoesOverToTheDwaarfileThatIsInForce(t *testing.T) {
	watched(t, func(path string, use func(*string), told func() int) {
		other := path + ".other"
		write(t, other, "other")
		use(&other)
		time.Sleep(5 * watchEvery)
		if told() != 1 {
			t.Errorf("told %d times of the other, want once", told())
		}
		write(t, path, "nobody reads this any more")
		time.Sleep(5 * watchEvery)
		if told() != 1 {
			t.Error("told a change of the file from before")
		}
		write(t, other, "and another")
		time.Sleep(5 * watchEvery)
		if told() != 2 {
			t.Errorf("told %d times, want 2", told())
		}
	})
}

func TestWatchSeesWhatComesToMatchAPattern(t *testing.T) {
	watched(t, func(path string, _ func(*string), told func() int) {
		sites := filepath.Join(filepath.Dir(path), "sites")
		if err := os.Mkdir(sites, 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(sites, "a.site"), "a")
		time.Sleep(3 * watchEvery)
		if told() != 1 {
			t.Errorf("after a new file told %d, want 1", told())
		}
		write(t, filepath.Join(sites, "a.site~"), "of an editor")
		time.Sleep(3 * watchEvery)
		if told() != 1 {
			t.Error("told of a file that matches nothing")
		}
		if err := os.Remove(filepath.Join(sites, "a.site")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * watchEvery)
		if told() != 2 {
			t.Errorf("after it went told %d, want 2", told())
		}
	})
}

// Kubernetes and atomic deployments swap a symbolic link to a directory.
func TestWatchSeesASwappedSymbolicLink(t *testing.T) {
	dir := t.TempDir()
	for _, version := range []string{"v1", "v2"} {
		if err := os.Mkdir(filepath.Join(dir, version), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, version, "Dwaarfile"), version)
	}
	link(t, filepath.Join(dir, "v1"), filepath.Join(dir, "current"))
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		path := filepath.Join(dir, "current", "Dwaarfile")
		var count atomic.Int32
		go watchFiles(ctx, func() string { return path }, func(path string) []string { return []string{path} }, func() { count.Add(1) })
		synctest.Wait()
		link(t, filepath.Join(dir, "v2"), filepath.Join(dir, "next"))
		if err := os.Rename(filepath.Join(dir, "next"), filepath.Join(dir, "current")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * watchEvery)
		synctest.Wait()
		if count.Load() != 1 {
			t.Errorf("told %d times, want once", count.Load())
		}
	})
}

func link(t *testing.T, to, at string) {
	t.Helper()
	if err := os.Symlink(to, at); err != nil {
		t.Fatal(err)
	}
}
