package main

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	hasty     = "a.example {\n\n  respond   {$TEXT:hi}  # twice\n}\nimport b\n"
	tidy      = "a.example {\n\trespond {$TEXT:hi} # twice\n}\n\nimport b\n"
	hastyDiff = "--- Dwaarfile\n+++ Dwaarfile\n@@ -1,5 +1,5 @@\n a.example {\n-\n-  respond   {$TEXT:hi}  # twice\n+\trespond {$TEXT:hi} # twice\n }\n+\n import b\n"
)

// textFile makes a working directory with a Dwaarfile of this text.
func textFile(t *testing.T, text string) {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.WriteFile("Dwaarfile", []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
}

// Every combination of flags, for a file that would change and one that would
// not: what is printed, how it ends, and what is in the file afterwards.
func TestFmtFlags(t *testing.T) {
	notFormatted := "dwaar: Dwaarfile is not formatted (dwaar fmt --diff shows how)\n"
	cases := []struct {
		args, text string
		want       told
		after      string
	}{
		{"fmt", hasty, told{0, tidy, ""}, hasty},
		{"fmt", tidy, told{0, tidy, ""}, tidy},
		{"fmt Dwaarfile", hasty, told{0, tidy, ""}, hasty},
		{"fmt ./Dwaarfile --check", hasty, told{1, "", strings.Replace(notFormatted, "Dwaarfile", "./Dwaarfile", 1)}, hasty},
		{"fmt --check", hasty, told{1, "", notFormatted}, hasty},
		{"fmt --check", tidy, told{}, tidy},
		{"fmt --diff", hasty, told{0, hastyDiff, ""}, hasty},
		{"fmt --diff", tidy, told{}, tidy},
		{"fmt --check --diff", hasty, told{1, hastyDiff, notFormatted}, hasty},
		{"fmt --check --diff", tidy, told{}, tidy},
		{"fmt --write", hasty, told{}, tidy},
		{"fmt --write", tidy, told{}, tidy},
		{"fmt --write --diff", hasty, told{0, hastyDiff, ""}, tidy},
	}
	for _, c := range cases {
		textFile(t, c.text)
		if got := dwaar(t, strings.Fields(c.args)...); got != c.want {
			t.Errorf("dwaar %s: %+v, want %+v", c.args, got, c.want)
		}
		if after := readFile(t, "Dwaarfile"); after != c.after {
			t.Errorf("after dwaar %s the file is %q, want %q", c.args, after, c.after)
		}
	}
}

func TestFmtReadsStandardInput(t *testing.T) {
	for args, want := range map[string]told{
		"fmt -":                {0, tidy, ""},
		"fmt - --check":        {1, "", "dwaar: stdin is not formatted (dwaar fmt --diff shows how)\n"},
		"fmt - --diff":         {0, strings.ReplaceAll(hastyDiff, "Dwaarfile", "stdin"), ""},
		"fmt - --check --diff": {1, strings.ReplaceAll(hastyDiff, "Dwaarfile", "stdin"), "dwaar: stdin is not formatted (dwaar fmt --diff shows how)\n"},
	} {
		if got := dwaarReading(t, hasty, strings.Fields(args)...); got != want {
			t.Errorf("dwaar %s: %+v, want %+v", args, got, want)
		}
	}
	dwaarReading(t, strings.Repeat(" ", 8<<20+1), "fmt", "-").expect(t, 2, "stdin: the file is larger than 8 MiB")
	dwaarReading(t, "a {\n", "fmt", "-").expect(t, 2, "stdin:1:3: this { is never closed", "dwaar: stdin cannot be formatted")
}

func TestFmtRefusesAndLeavesTheFile(t *testing.T) {
	bad := "a.example {\n  respond \"x\n"
	for _, args := range []string{"fmt", "fmt --check", "fmt --diff", "fmt --write"} {
		textFile(t, bad)
		want := told{2, "", "Dwaarfile:1:11: this { is never closed: } is missing\nDwaarfile:2:11: the quote \" is never closed\ndwaar: Dwaarfile cannot be formatted\n"}
		if got := dwaar(t, strings.Fields(args)...); got != want {
			t.Errorf("dwaar %s: %+v, want %+v", args, got, want)
		}
		if after := readFile(t, "Dwaarfile"); after != bad {
			t.Errorf("after dwaar %s the file is %q", args, after)
		}
		dwaar(t, append(strings.Fields(args), "none")...).expect(t, 2, "none: no such file", "dwaar: none cannot be formatted")
	}
}

func TestFmtWritesThroughALinkAndKeepsTheMode(t *testing.T) {
	textFile(t, hasty)
	if err := errors.Join(os.Mkdir("real", 0o700), os.Rename("Dwaarfile", "real/a"), os.Symlink("real/a", "Dwaarfile")); err != nil {
		t.Fatal(err)
	}
	dwaar(t, "fmt", "--write").expect(t, 0)
	link, err := os.Lstat("Dwaarfile")
	if err != nil || link.Mode().Type() != fs.ModeSymlink {
		t.Errorf("the link is now %v (%v)", link, err)
	}
	file, err := os.Stat("real/a")
	if err != nil || file.Mode() != 0o640 {
		t.Errorf("the file is now %v (%v)", file, err)
	}
	if after := readFile(t, "real/a"); after != tidy {
		t.Errorf("the file has %q", after)
	}
	if left, err := os.ReadDir("real"); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

func TestFmtDoesNotTouchAFormattedFile(t *testing.T) {
	textFile(t, tidy)
	if err := os.Chtimes("Dwaarfile", time.Time{}, noon); err != nil {
		t.Fatal(err)
	}
	dwaar(t, "fmt", "--write").expect(t, 0)
	if info, err := os.Stat("Dwaarfile"); err != nil || !info.ModTime().Equal(noon) {
		t.Errorf("it is written anew: %v (%v)", info, err)
	}
}

func TestFmtWritesOnlyToRegularFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := syscall.Mkfifo("pipe", 0o600); err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	go func() { written <- os.WriteFile("pipe", []byte(hasty), 0) }()
	r := dwaar(t, "fmt", "--write", "pipe")
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	r.expect(t, 1, "dwaar: pipe is not a regular file")
}

// full is a stdout on a full disk.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestFmtFailsIfItCannotPrint(t *testing.T) {
	textFile(t, hasty)
	for _, args := range []string{"fmt", "fmt --diff", "fmt --write --diff"} {
		var told strings.Builder
		if code := Main(strings.Fields(args), strings.NewReader(""), full{}, &told); code != 1 || !strings.Contains(told.String(), "no space left") {
			t.Errorf("dwaar %s: %d %s", args, code, told.String())
		}
	}
	if after := readFile(t, "Dwaarfile"); after != hasty {
		t.Errorf("the file is written: %q", after)
	}
}
