package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// diffs are pairs of texts: what the formatter does, and what it never does.
var diffs = map[string][2]string{
	"no final newline":          {"a", "a\n"},
	"to nothing":                {" \n\n", ""},
	"from nothing":              {"", "a\n"},
	"blank lines":               {"a\n\n\n\nb\n", "a\n\nb\n"},
	"a new blank line":          {"a\nb\n", "a\n\nb\n"},
	"all lines":                 {" a\n b\n c\n", "\ta\n\tb\n\tc\n"},
	"byte order mark and CRLF":  {"\uFEFFa\r\nb\r\n", "a\nb\n"},
	"far apart":                 {" 1\n2\n3\n4\n5\n6\n7\n8\n 9\n", "1\n2\n3\n4\n5\n6\n7\n8\n9\n"},
	"contexts that touch":       {" 1\n2\n3\n4\n5\n6\n7\n 8\n", "1\n2\n3\n4\n5\n6\n7\n8\n"},
	"one in the middle":         {"1\n2\n3\n4\n5\n 6\n7\n8\n9\n10\n11\n", "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n"},
	"a continuation of nothing": {"a\n\\\n\nb\n", "a\n\nb\n"},
	"other words":               {"a\nb\nc\n", "x\ny\n"},
}

// patch(1) is the judge: the diff turns the old text into the new one.
func TestDiffIsWhatPatchReads(t *testing.T) {
	if _, err := exec.LookPath("patch"); err != nil {
		t.Fatalf("patch is needed: %v", err)
	}
	for name, texts := range diffs {
		t.Run(name, func(t *testing.T) {
			textFile(t, texts[0])
			diff := unifiedDiff("Dwaarfile", texts[0], texts[1])
			cmd := exec.Command("patch", "--binary", "-s", "-F0", "Dwaarfile")
			cmd.Stdin = strings.NewReader(diff)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s\n%s", err, out, diff)
			}
			after, err := os.ReadFile("Dwaarfile")
			if err != nil && !os.IsNotExist(err) || string(after) != texts[1] {
				t.Errorf("patched to %q, want %q\n%s", after, texts[1], diff)
			}
		})
	}
}

func TestDiffOfEqualTextsIsEmpty(t *testing.T) {
	if diff := unifiedDiff("f", "a\n", "a\n"); diff != "" {
		t.Errorf("diff = %q", diff)
	}
}

func TestDiffShowsThreeLinesOfContext(t *testing.T) {
	want := "--- f\n+++ f\n" +
		"@@ -1,4 +1,4 @@\n- 1\n+1\n 2\n 3\n 4\n" +
		"@@ -6,4 +6,4 @@\n 6\n 7\n 8\n- 9\n+9\n"
	if got := unifiedDiff("f", diffs["far apart"][0], diffs["far apart"][1]); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
