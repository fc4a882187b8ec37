package logfile_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dwaar/proxy/logfile"
)

// open opens dir/access.log; what is reported fails the test.
func open(t *testing.T, dir string, options logfile.Options) *logfile.File {
	t.Helper()
	f, err := logfile.Open(filepath.Join(dir, "access.log"), options, func(err error) { t.Errorf("reported: %v", err) })
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func write(t *testing.T, f *logfile.File, line string) {
	t.Helper()
	if _, err := io.WriteString(f, line+"\n"); err != nil {
		t.Fatal(err)
	}
}

func shut(t *testing.T, f *logfile.File) {
	t.Helper()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// contents are the files of dir by name, unpacked.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		file, err := os.Open(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		var from io.Reader = file
		if strings.HasSuffix(entry.Name(), ".gz") {
			if from, err = gzip.NewReader(file); err != nil {
				t.Fatal(err)
			}
		}
		text, err := io.ReadAll(from)
		if err != nil {
			t.Fatal(err)
		}
		all[entry.Name()] = string(text)
	}
	return all
}

func TestFullFileGivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		f := open(t, dir, logfile.Options{RollSize: 10})
		for i := range 3 {
			write(t, f, fmt.Sprintf("line-%d", i))
			time.Sleep(time.Second)
			synctest.Wait()
		}
		shut(t, f)
		got := contents(t, dir)
		want := map[string]string{
			"access.log": "line-2\n", "access-2000-01-01T00-00-01.000.log.gz": "line-0\n", "access-2000-01-01T00-00-02.000.log.gz": "line-1\n",
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("files = %q, want %q", got, want)
		}
	})
}

func TestFilesOfOneMomentAllStay(t *testing.T) {
	dir := t.TempDir()
	f := open(t, dir, logfile.Options{RollSize: 1, RollKeep: 100, RollUncompressed: true})
	for i := range 50 {
		write(t, f, fmt.Sprint(i))
	}
	shut(t, f)
	if n := len(contents(t, dir)); n != 50 {
		t.Errorf("%d files, want 50", n)
	}
}

func TestOldFileGivesWayAtMidnight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		f := open(t, dir, logfile.Options{RollInterval: 24 * time.Hour, RollUncompressed: true})
		time.Sleep(20 * time.Hour)
		write(t, f, "first day")
		time.Sleep(3 * time.Hour)
		write(t, f, "first day, later")
		time.Sleep(2 * time.Hour)
		write(t, f, "second day")
		shut(t, f)
		if got := contents(t, dir); got["access.log"] != "second day\n" || got["access-2000-01-02T01-00-00.000.log"] != "first day\nfirst day, later\n" {
			t.Errorf("files = %q", got)
		}
	})
}

func TestOldFilesAreRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		f := open(t, dir, logfile.Options{RollSize: 1, RollKeep: 3, RollKeepFor: 30 * time.Hour})
		strangers := []string{"access-notes.log", "access.log.1", "other-2000-01-01T00-00-01.000.log"}
		for _, name := range strangers {
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 6 {
			write(t, f, fmt.Sprint(i))
			time.Sleep(time.Hour)
			synctest.Wait()
		}
		if n := len(contents(t, dir)) - len(strangers); n != 4 {
			t.Errorf("%d files, want the log and 3 old ones: %q", n, contents(t, dir))
		}
		time.Sleep(29 * time.Hour)
		write(t, f, "later")
		synctest.Wait()
		got := contents(t, dir)
		if n := len(got) - len(strangers); n != 3 {
			t.Errorf("%d files, want the log and the 2 of the last 30 hours: %q", n, got)
		}
		for _, name := range strangers {
			if _, there := got[name]; !there {
				t.Errorf("%s was removed", name)
			}
		}
		shut(t, f)
	})
}

// A file that somebody else rotates is neither rotated again nor lost.
func TestExternalRotationIsFollowed(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "access.log")
	f := open(t, dir, logfile.Options{RollSize: 10})
	write(t, f, "before")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	write(t, f, "after: over the limit")
	next := open(t, dir, logfile.Options{RollDisabled: true})
	shut(t, f)
	write(t, next, "by the next")
	write(t, next, strings.Repeat("x", 100))
	shut(t, next)
	got := contents(t, dir)
	if got["access.log.1"] != "before\n" || !strings.HasPrefix(got["access.log"], "after: over the limit\nby the next\n") || len(got) != 2 {
		t.Errorf("files = %q", got)
	}
}

// The File that a reload opens before the old one rotates goes on in the new file.
func TestFileOpenedBeforeARotationWritesBehindIt(t *testing.T) {
	dir := t.TempDir()
	f := open(t, dir, logfile.Options{RollSize: 10, RollUncompressed: true})
	write(t, f, "old 1234")
	next := open(t, dir, logfile.Options{RollSize: 100})
	write(t, f, "rotated")
	shut(t, f)
	write(t, next, "next")
	shut(t, next)
	if got := contents(t, dir); got["access.log"] != "rotated\nnext\n" {
		t.Errorf("files = %q", got)
	}
}

func TestRotationThatFailsKeepsTheFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	var reports atomic.Int64
	f, err := logfile.Open(filepath.Join(dir, "access.log"), logfile.Options{RollSize: 10}, func(error) { reports.Add(1) })
	if err != nil {
		t.Fatal(err)
	}
	write(t, f, "12345678")
	moved := dir + "-moved" // the directory is gone, the file is not
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		write(t, f, "more")
	}
	shut(t, f)
	text, err := os.ReadFile(filepath.Join(moved, "access.log"))
	if err != nil || strings.Count(string(text), "more\n") != 100 {
		t.Errorf("log = %q, %v", text, err)
	}
	if n := reports.Load(); n < 1 || n > 3 {
		t.Errorf("%d reports, want one or two, not one for each line", n)
	}
}

func TestFileHasTheModeThatIsAskedFor(t *testing.T) {
	dir := t.TempDir()
	shut(t, open(t, dir, logfile.Options{Mode: "0640"}))
	if info, err := os.Stat(filepath.Join(dir, "access.log")); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode = %v, %v", info.Mode(), err)
	}
}

func TestWhatIsNoFileIsNotRotated(t *testing.T) {
	f, err := logfile.Open("/dev/null", logfile.Options{RollSize: 1}, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	write(t, f, "one")
	write(t, f, "two")
	shut(t, f)
}

func TestBadOptionsAreRefused(t *testing.T) {
	for want, options := range map[string]logfile.Options{
		`mode "888" is not one like 0640, with which dwaar can write`:  {Mode: "888"},
		`mode "0440" is not one like 0640, with which dwaar can write`: {Mode: "0440"},
		"roll_size is negative":     {RollSize: -1},
		"roll_keep is negative":     {RollKeep: -1},
		"roll_keep_for is negative": {RollKeepFor: -1},
		"roll_interval is negative": {RollInterval: -1},
	} {
		if err := options.Check(); err == nil || err.Error() != want {
			t.Errorf("%+v: %v, want %s", options, err, want)
		}
	}
}
