package dwaarfile_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dwaar/proxy/dwaarfile"
)

var update = flag.Bool("update", false, "write what is formatted into the golden files")

const outHeading = "-- out --\n"

// TestFormatGolden formats the text of every archive, "-- in --" and behind it
// "-- out --".
func TestFormatGolden(t *testing.T) {
	archives, err := filepath.Glob("testdata/format/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, path := range archives {
		t.Run(filepath.Base(path), func(t *testing.T) {
			archive, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			head, want, _ := strings.Cut(string(archive), outHeading)
			_, in, found := strings.Cut(head, "-- in --\n")
			if !found {
				t.Fatal("the archive has no -- in --")
			}
			got := format(t, in)
			if *update {
				if err := os.WriteFile(path, []byte(head+outHeading+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// format formats text and holds what is promised of every text.
func format(t *testing.T, text string) string {
	t.Helper()
	out, err := dwaarfile.Format("Dwaarfile", text)
	if err != nil {
		t.Fatalf("%q is refused: %v", text, err)
	}
	checkFormatted(t, text, out)
	return out
}

// values are what environment references may stand for.
var values = map[string]func(string) (string, bool){
	"unset":     func(string) (string, bool) { return "", false },
	"empty":     func(string) (string, bool) { return "", true },
	"a word":    func(string) (string, bool) { return "word", true },
	"two words": func(string) (string, bool) { return "two words", true },
}

// checkFormatted fails unless out, what Format made of text, has its tokens and
// comments and is not changed again.
func checkFormatted(t *testing.T, text, out string) {
	t.Helper()
	for name, env := range values {
		before, err := dwaarfile.Tokens(text, env)
		if err != nil {
			continue
		}
		if after, err := dwaarfile.Tokens(out, env); err != nil || after != before {
			t.Errorf("%q became %q; with its references %s the tokens were\n%sand are (%v)\n%s", text, out, name, before, err, after)
		}
	}
	if again, err := dwaarfile.Format("Dwaarfile", out); err != nil || again != out {
		t.Errorf("%q is not formatted: it becomes %q (%v)", out, again, err)
	}
}

// layouts are texts whose white space cannot be seen in a golden file, or whose
// white space means something.
var layouts = []struct{ name, in, want string }{
	{"nothing", "", ""},
	{"only white space", " \n\n\t\r\n", ""},
	{"only a comment", "\n\n  # c  ", "# c\n"},
	{"a comment that ends with a backslash", "# c \\ \n# d\\\n", "# c \\\n# d\\\n"},
	{"only a continuation", "\\\n\n", ""},
	{"byte order mark", "\uFEFFa.com\nlog", "a.com\nlog\n"},
	{"two byte order marks", "\uFEFF\uFEFFa.com\n", "\uFEFF\uFEFFa.com\n"},
	{"a byte order mark behind a space", " \uFEFFa.com\n", "\uFEFF\uFEFFa.com\n"},
	{"CRLF", "a.com {\r\n\r\n  log # c\r\n}\r\n", "a.com {\n\tlog # c\n}\n"},
	{"a carriage return at the end", "a.com {\n}\r", "a.com {\n}\n"},
	{"CRLF in a heredoc is no part of it", "a.com\r\nrespond <<E\r\n  x\r\n  E\r\n", "a.com\nrespond <<E\n  x\n  E\n"},
	{"CRLF in quotes is part of them", "a.com\r\nrespond \"x\r\ny\" `x\r\ny`\r\n", "a.com\nrespond \"x\r\ny\" `x\r\ny`\n"},
	{"CRLF behind a backslash", "a.com {\r\n  x \\\r\n  y\r\n}\r\n", "a.com {\n\tx \\\n  y\n}\n"},
	{"no-break and other spaces", "a.com\u00a0\u2003b.com {\n}", "a.com b.com {\n}\n"},
	{"white space behind a line", "a.com { \t \n  log \t\n}  \n", "a.com {\n\tlog\n}\n"},
	{"continuation of nothing", "a.com {\n  log \\\n\n}\n", "a.com {\n\tlog \\\n\n}\n"},
	{"continuation at the end", "a.com\nlog \\\n", "a.com\nlog \\\n\n"},
	{"continuation before a line", "a.com {\n \\\n  log\n}\n", "a.com {\n\t\\\n  log\n}\n"},
	{"continuation glued to a word", "a.com\nx a\\\nb\n", "a.com\nx a\\\nb\n"},
	{"a backslash that continues nothing", "a.com\nx a\\ \ny\n", "a.com\nx a\\ \ny\n"},
	{"a backslash at the end", "a.com\nx a\\", "a.com\nx a\\ \n"},
	{"a word that is no heredoc", "a.com\nx <<E  \ny\n", "a.com\nx <<E \ny\n"},
	{"an escaped heredoc", "a.com\nx  \\<<E\ny\n", "a.com\nx \\<<E\ny\n"},
	{"glued quotes", "a.com\nx \"a\"`c`\"\"b\"\"#d\n", "a.com\nx \"a\" `c` \"\" b\"\"#d\n"},
	{"spaces in a default", "a.com {\n  x  {$A:b  c  \"d  e} {$B}\n}\n", "a.com {\n\tx {$A:b  c  \"d  e} {$B}\n}\n"},
	{"spaces in a default in quotes", "a.com\nx  \"{$A:b  \\\"c}\"   \"d  e\"\n", "a.com\nx \"{$A:b  \\\"c}\" \"d  e\"\n"},
	{"marker in a reference in a heredoc", "a.com\nx  <<E\n {$E}  {$F:E}\n E\n", "a.com\nx <<E\n {$E}  {$F:E}\n E\n"},
	{"several braces in a line", "a.com {\n  handle {\n  } }\nb.com {\n}\n", "a.com {\n\thandle {\n\t} }\n\nb.com {\n}\n"},
	{"blank lines with white space", "a.com {\n  x\n \t\n \n  y\n}\n", "a.com {\n\tx\n\n\ty\n}\n"},
	{"an imported file", "log  {args[0]}\n\n\nhandle {\n{block}\n}\n{blocks.x}\n", "log {args[0]}\n\nhandle {\n\t{block}\n}\n\n{blocks.x}\n"},
}

func TestFormatKeepsWhatMeansSomething(t *testing.T) {
	for _, c := range layouts {
		t.Run(c.name, func(t *testing.T) {
			if got := format(t, c.in); got != c.want {
				t.Errorf("%q became %q, want %q", c.in, got, c.want)
			}
		})
	}
}

// Every text of the parser's tests, and the texts of its errors as far as they
// are errors of another kind.
func TestFormatChangesNoTokenOfAnyText(t *testing.T) {
	for _, c := range grammar {
		format(t, c.text)
	}
	refused := 0
	for _, c := range broken {
		if out, err := dwaarfile.Format("Dwaarfile", c.text); err == nil {
			checkFormatted(t, c.text, out)
		} else {
			refused++
		}
	}
	if refused == 0 || refused == len(broken) {
		t.Errorf("%d of %d broken texts are refused", refused, len(broken))
	}
}

func TestFormatRefusesWithEveryProblem(t *testing.T) {
	ambiguous := "an environment reference decides where words begin and end: write it in quotes, or with spaces around it"
	cases := map[string]string{
		"a.com {\n\thandle { x\n\trespond \"y\n": "Dwaarfile:1:7: this { is never closed: } is missing\n" +
			"Dwaarfile:2:9: this { is never closed: } is missing\n" +
			"Dwaarfile:2:11: \"x\" follows a {: the block must start on the next line\n" +
			"Dwaarfile:3:10: the quote \" is never closed",
		"a.com\nx \x00":                                      "Dwaarfile:2:3: the file contains a NUL byte",
		"a.com\nx <<{$M}\n{$M}\n":                            "Dwaarfile:2:3: the heredoc marker \"{$?}\" may only have letters, digits, - and _",
		"a.com\nx {$A}\"b  c\"\n":                            "Dwaarfile:2:7: " + ambiguous,
		"a.com\nx {$A}#  b\n":                                "Dwaarfile:2:7: " + ambiguous,
		"a.com\nx {$A}<< \n":                                 "Dwaarfile: " + ambiguous,
		"a.com\nx {$A:\\} \ny\n":                             "Dwaarfile:2:3: " + ambiguous,
		strings.Repeat("{$A}\n", 1<<16+1):                    "Dwaarfile: more than 65536 environment references in one file",
		strings.Repeat(" ", dwaarfile.MaxFileSize) + "a.com": "Dwaarfile: the file is larger than 8 MiB",
		nested(20, 450_000):                                  "Dwaarfile: formatted, the file is larger than 8 MiB",
	}
	for text, want := range cases {
		out, err := dwaarfile.Format("Dwaarfile", text)
		if err == nil || err.Error() != want || out != "" {
			t.Errorf("%.40q: err = %v, want %s", text, err, want)
		}
	}
}

// nested has many lines in many blocks.
func nested(depth, lines int) string {
	return strings.Repeat("a {\n", depth) + strings.Repeat("b\n", lines) + strings.Repeat("}\n", depth)
}

func TestFormatTakesBoundedMemory(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("\n", 8<<20-1) + "a",
		"a " + strings.Repeat("b ", 500_000),
		strings.Repeat("a\\\n", 500_000) + "b",
		"a " + strings.Repeat("\\\n", 4<<20-2) + "b",
		strings.Repeat("# c\n", 500_000),
	} {
		var err error
		used := allocated(func() { _, err = dwaarfile.Format("Dwaarfile", text) })
		if err != nil || used > 600<<20 {
			t.Errorf("%.10q takes %d MiB (%v)", text, used>>20, err)
		}
	}
}
