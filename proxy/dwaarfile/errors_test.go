package dwaarfile_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dwaar/proxy/dwaarfile"
)

// broken has a text for every message, with the place it names.
var broken = []struct {
	name, text, want string
	env, files       map[string]string
}{
	{name: "NUL", text: "a.com {\n\tlog \x00x\n}\n", want: "Dwaarfile:2:6: the file contains a NUL byte"},
	{name: "control character", text: "a.com {\n\trespond \"ä\x1b[0m\"\n}\n", want: "Dwaarfile:2:12: the file contains the control character U+001B"},
	{name: "lone carriage return", text: "a.com {\rlog\r}\n", want: "Dwaarfile:1:8: the file contains a carriage return that ends no line"},
	{name: "not UTF-8", text: "a.com {\n\trespond \xff\n}\n", want: "Dwaarfile:2:10: the file is not UTF-8"},
	{name: "NUL in the environment", text: "{$SITE} {\n}\n", env: map[string]string{"SITE": "a\x00b"},
		want: "Dwaarfile: the value of the environment variable SITE contains a NUL byte"},
	{name: "unclosed double quote", text: "a.com {\n\trespond \"x\n}\n",
		want: "Dwaarfile:1:7: this { is never closed: } is missing\nDwaarfile:2:10: the quote \" is never closed"},
	{name: "unclosed backquote", text: "a.com\nrespond `x\n", want: "Dwaarfile:2:9: the quote ` is never closed"},
	{name: "escaped last quote", text: `a.com` + "\n" + `respond "C:\"`, want: "Dwaarfile:2:9: the quote \" is never closed"},
	{name: "backslash before a quote", text: "a.com {\n\trespond \\\"c d\\\"\n}\n",
		want: "Dwaarfile:2:10: a backslash before a quote stands outside of quotes: write the text in backquotes, or \\\" inside double quotes"},
	{name: "unclosed environment reference", text: "a.com\nrespond {$TEXT\n", want: "Dwaarfile:2:9: the environment reference {$TEXT is never closed: } is missing"},
	{name: "unclosed heredoc", text: "a.com\nrespond <<END\n x\n ENDE\n", want: "Dwaarfile:2:9: the heredoc <<END is never closed: END is missing on a line of its own"},
	{name: "heredoc at the end", text: "a.com\nrespond <<END", want: "Dwaarfile:2:9: the heredoc <<END is never closed: END is missing on a line of its own"},
	{name: "heredoc without marker", text: "a.com\nrespond <<\n", want: "Dwaarfile:2:9: the heredoc << has no marker: write <<END, the text, and END on a line of its own"},
	{name: "heredoc with three angles", text: "a.com\nrespond <<<END\n", want: "Dwaarfile:2:9: the heredoc <<<END has too many <: write two"},
	{name: "heredoc marker", text: "a.com\nrespond <<\"END\"\n", want: "Dwaarfile:2:9: the heredoc marker \"\\\"END\\\"\" may only have letters, digits, - and _"},
	{name: "heredoc marker in its text", text: "a.com\nrespond <<END\n\tTHE ENDING\n\tEND\n", want: "Dwaarfile:3:1: the heredoc marker END stands inside this line: choose another marker"},
	{name: "heredoc indentation", text: "a.com\nrespond <<END\n\tone\n  two\n\tEND\n", want: "Dwaarfile:4:1: this line is indented less than the closing END of its heredoc, or by other characters"},

	{name: "brace in a line", text: "a.com { log }\nb.com {\n\tlog\n} x\n",
		want: "Dwaarfile:1:9: \"log\" follows a {: the block must start on the next line\nDwaarfile:1:13: the } must stand on a line of its own\nDwaarfile:4:3: \"x\" follows a }: the } must stand on a line of its own\nDwaarfile:4:3: the site \"x\" needs a block in { }: only the one site of a file may do without"},
	{name: "empty braces", text: "a.com {\n\trespond {}\n}\n", want: "Dwaarfile:2:10: {} at the end of a line: write { and } on lines of their own, or \"{}\" for the text"},
	{name: "directive's brace on the next line", text: "a.com {\n\thandle\n\t{\n\t}\n}\n", want: "Dwaarfile:3:2: the { of a block must stand at the end of its directive's line"},
	{name: "unclosed block", text: "a.com {\n\thandle {\n\t}\n", want: "Dwaarfile:1:7: this { is never closed: } is missing"},
	{name: "closing nothing", text: "a.com {\n}\n}\n", want: "Dwaarfile:3:1: this } closes no block"},
	{name: "deep nesting", text: strings.Repeat("x {\n", 70), want: "Dwaarfile:65:3: blocks are nested deeper than 64"},

	{name: "unset address", text: "{$SITE} {\n\tlog\n}\n", want: "Dwaarfile:1:1: the environment variable SITE is not set, and leaves this site without an address"},
	{name: "empty address", text: "{$SITE:} {\n\tlog\n}\n", want: "Dwaarfile:1:1: the environment variable SITE is empty, and leaves this site without an address"},
	{name: "unset address above the brace", text: "{$SITE}\n{\n\tlog\n}\n", want: "Dwaarfile:1:1: the environment variable SITE is not set, and leaves this site without an address"},
	{name: "unset address without braces", text: "\n {$SITE}\nrespond hi\n", want: "Dwaarfile:2:2: the environment variable SITE is not set, and leaves this line empty: write a site in { } below it"},
	{name: "unset address among others", text: "a.com {$B}, {$C:} {\n}\nhttps://{$D} {\n}\nb.com\n{$E} {\n}\n", env: map[string]string{"D": ""},
		want: "Dwaarfile:1:7: the environment variable B is not set, and leaves a site address empty\nDwaarfile:1:13: the environment variable C is empty, and leaves a site address empty\nDwaarfile:3:9: the environment variable D is empty, and leaves a site address empty\nDwaarfile:6:1: the environment variable E is not set, and leaves a site address empty"},
	{name: "empty address with a default", text: "http://{$D:a.com} {\n}\n", env: map[string]string{"D": ""},
		want: "Dwaarfile:1:8: the environment variable D is empty, and leaves a site address empty"},
	{name: "unset address behind a comment", text: "a.com, # {$X}\n{$B} # more\n{\n}\n",
		want: "Dwaarfile:2:1: the environment variable B is not set, and leaves a site address empty"},

	{name: "comma without space", text: "a.com,b.com {\n}\n", want: "Dwaarfile:1:1: the site address \"a.com,b.com\" contains a comma: separate addresses by a comma and a space"},
	{name: "brace without space", text: "a.com{\n}\n", want: "Dwaarfile:1:1: the site address \"a.com{\" ends with a brace: write a space before the {\nDwaarfile:2:1: this } closes no block"},
	{name: "leading comma", text: ", a.com {\n}\n", want: "Dwaarfile:1:1: a comma without an address before it"},
	{name: "double comma", text: "a.com, , b.com {\n}\n", want: "Dwaarfile:1:8: a comma without an address before it"},
	{name: "trailing comma", text: "a.com, {\n}\n", want: "Dwaarfile:1:1: an address is missing behind this comma"},
	{name: "empty quoted address", text: "\"\" {\n}\n", want: "Dwaarfile:1:1: an empty site address"},
	{name: "import among addresses", text: "a.com,\nimport x {\n}\n", want: "Dwaarfile:2:1: an import cannot stand among the addresses of a site"},
	{name: "snippet with a second name", text: "(a) (b) {\n}\n", want: "Dwaarfile:1:1: \"(a)\" is no site address; a snippet or named route is defined by its name alone, without spaces\nDwaarfile:1:5: \"(b)\" is no site address; a snippet or named route is defined by its name alone, without spaces"},
	{name: "site without address", text: "(s) {\n\t{args[:]} {\n\t}\n}\nimport s\n", want: "Dwaarfile:2:12: a site without an address (imported at Dwaarfile:5:1)"},
	{name: "second site without braces", text: "a.com {\n}\nb.com\nlog\n", want: "Dwaarfile:3:1: the site \"b.com\" needs a block in { }: only the one site of a file may do without"},
	{name: "imported site without braces", text: "import s\n", files: map[string]string{"s": "a.com\nlog\n"},
		want: "s:1:1: the site \"a.com\" needs a block in { }: only the one site of a file that is not imported may do without (imported at Dwaarfile:1:1)"},

	{name: "two blocks of global options", text: "{\n\tdebug\n}\n{\n\tdebug\n}\n", want: "Dwaarfile:4:1: a block without an address: the global options stand at Dwaarfile:1:1 already"},
	{name: "global options behind a site", text: "a.com {\n}\n{\n\tdebug\n}\n", want: "Dwaarfile:3:1: a block without an address: global options must come before everything else, and a site stands at Dwaarfile:1:1"},
	{name: "global options behind an import", text: "import s\n{\n}\n", files: map[string]string{"s": ""}, want: "Dwaarfile:2:1: a block without an address: global options must come before everything else, and an import stands at Dwaarfile:1:1"},
	{name: "global options behind a named route", text: "&(r) {\n}\n{\n}\n", want: "Dwaarfile:3:1: a block without an address: global options must come before everything else, and a named route stands at Dwaarfile:1:1"},

	{name: "snippet without block", text: "(s)\na.com {\n}\n", want: "Dwaarfile:1:1: the snippet (s) has no block"},
	{name: "snippet twice", text: "(s) {\n}\n(s) {\n}\n", want: "Dwaarfile:3:1: the snippet (s) stands at Dwaarfile:1:1 already"},
	{name: "snippet in a site", text: "a.com {\n\t(s) {\n\t}\n}\n", want: "Dwaarfile:2:2: (s): snippets and named routes are defined outside of sites"},
	{name: "named route without block", text: "&(r)\n", want: "Dwaarfile:1:1: the named route &(r) has no block"},
	{name: "named route twice", text: "&(r) {\n}\n&(r) {\n}\n", want: "Dwaarfile:3:1: the named route &(r) stands at Dwaarfile:1:1 already"},

	{name: "import of nothing", text: "a.com {\n\timport\n\timport \"\"\n}\n", want: "Dwaarfile:2:2: import needs a snippet, a file or a pattern\nDwaarfile:3:2: import needs a snippet, a file or a pattern"},
	{name: "missing file", text: "import sites/a.conf\n", want: "Dwaarfile:1:8: importing sites/a.conf: file does not exist"},
	{name: "snippet defined too late", text: "(t) {\n}\na.com {\n\timport s\n}\n(s) {\n}\n", want: "Dwaarfile:4:9: importing s: no snippet of this name is defined above, and as a file: file does not exist"},
	{name: "import of a directory", text: "import sites\n", files: map[string]string{"sites/a": ""}, want: "Dwaarfile:1:8: importing sites: not a regular file but a directory"},
	{name: "patterns", text: "import */*\nimport a[b]\nimport ?a?\n", want: "Dwaarfile:1:8: the pattern \"*/*\" is not supported: one * and one ? at most, and no [ ]\nDwaarfile:2:8: the pattern \"a[b]\" is not supported: one * and one ? at most, and no [ ]\nDwaarfile:3:8: the pattern \"?a?\" is not supported: one * and one ? at most, and no [ ]"},
	{name: "problem in an imported file", text: "import s\n", files: map[string]string{"s": "import t x\n", "t": "{args[0]} {\n\trespond \"\n}\n"},
		want: "t:1:11: this { is never closed: } is missing (imported at s:1:8) (imported at Dwaarfile:1:1)\nt:2:10: the quote \" is never closed (imported at s:1:8) (imported at Dwaarfile:1:1)"},
	{name: "an import closes no block of another file", text: "a.com {\n\timport s\n}\n", files: map[string]string{"s": "log\n}\n"}, want: "s:2:1: this } closes no block (imported at Dwaarfile:2:9)"},
	{name: "circle of files", text: "import a\n", files: map[string]string{"a": "import b\n", "b": "import a\n"}, want: "b:1:1: these imports go in a circle: a → b → a (imported at a:1:1) (imported at Dwaarfile:1:1)"},
	{name: "circle of snippets", text: "(s) {\n\timport s\n}\na.com {\n\timport s\n}\n", want: "Dwaarfile:2:2: these imports go in a circle: (s) → (s) (imported at Dwaarfile:5:2)"},
	{name: "circle through a passed block", text: "(a) {\n\timport b {\n\t\timport a\n\t}\n}\n(b) {\n\t{block}\n}\nx {\n\timport a\n}\n", want: "Dwaarfile:3:3: these imports go in a circle: (a) → (a) (imported at Dwaarfile:10:2)"},

	{name: "too few arguments", text: "(s) {\n\tx {args[0]} {args[1]} {args[2:]}\n}\na.com {\n\timport s one\n\timport s\n}\n",
		want: "Dwaarfile:2:4: {args[0]}: the import at Dwaarfile:6:2 passes no argument (imported at Dwaarfile:6:2)\nDwaarfile:2:14: {args[1]}: the import at Dwaarfile:5:2 passes 1 argument (imported at Dwaarfile:5:2)\nDwaarfile:2:14: {args[1]}: the import at Dwaarfile:6:2 passes no argument (imported at Dwaarfile:6:2)\nDwaarfile:2:24: {args[2:]}: the import at Dwaarfile:5:2 passes 1 argument (imported at Dwaarfile:5:2)\nDwaarfile:2:24: {args[2:]}: the import at Dwaarfile:6:2 passes no argument (imported at Dwaarfile:6:2)"},
	{name: "more arguments than passed", text: "(s) {\n\tx {args[3]}\n}\na.com {\n\timport s 1 2\n}\n", want: "Dwaarfile:2:4: {args[3]}: the import at Dwaarfile:5:2 passes 2 arguments (imported at Dwaarfile:5:2)"},
	{name: "arguments that are none", text: "(s) {\n\tx {args[x]} {args[1:0]} \"{args[:]}\" a{args[:]} {args.0}\n}\na.com {\n\timport s one\n}\n",
		want: "Dwaarfile:2:4: {args[x]}: \"x\" is no number of an argument (imported at Dwaarfile:5:2)\nDwaarfile:2:14: {args[1:0]} ends before it begins (imported at Dwaarfile:5:2)\nDwaarfile:2:26: {args[:]} stands for several arguments and must be a word of its own, without quotes (imported at Dwaarfile:5:2)\nDwaarfile:2:38: {args[:]} stands for several arguments and must be a word of its own, without quotes (imported at Dwaarfile:5:2)\nDwaarfile:2:49: {args.0} is an old spelling: write {args[0]} (imported at Dwaarfile:5:2)"},
	{name: "arguments outside of an import", text: "a.com {\n\tx {args[0]} {args[:]}\n\t{block}\n}\n", want: "Dwaarfile:2:4: {args[0]} stands outside of a snippet or imported file\nDwaarfile:2:14: {args[:]} stands outside of a snippet or imported file\nDwaarfile:3:2: {block} stands outside of a snippet or imported file"},
	{name: "passed block in a line", text: "(s) {\n\tx {block} {blocks.y}\n}\na.com {\n\timport s\n}\n", want: "Dwaarfile:2:4: {block} must stand alone on its line (imported at Dwaarfile:5:2)\nDwaarfile:2:12: {blocks.y} must stand alone on its line (imported at Dwaarfile:5:2)"},
}

func TestProblemsNameTheirPlace(t *testing.T) {
	for _, c := range broken {
		t.Run(c.name, func(t *testing.T) {
			if got := parse(t, c.text, files(c.env, c.files)); got != c.want {
				t.Errorf("read\n%s\ngot\n%s\nwant\n%s", c.text, got, c.want)
			}
		})
	}
}

func TestProblemsAreErrorsOneByOne(t *testing.T) {
	_, err := dwaarfile.Parse("f", "a,b {\n}\n}\n", dwaarfile.Source{})
	var all dwaarfile.Problems
	if !errors.As(err, &all) || len(all) != 2 {
		t.Fatalf("err = %v, want two problems", err)
	}
	var one dwaarfile.Problem
	if !errors.As(err, &one) || one.Pos != (dwaarfile.Position{File: "f", Line: 1, Col: 1}) {
		t.Errorf("the first problem is %+v", one)
	}
}

func TestOnlySoManyProblemsAreReported(t *testing.T) {
	_, err := dwaarfile.Parse("f", strings.Repeat("}\n", 100_000), dwaarfile.Source{})
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != dwaarfile.MaxProblems+1 || lines[len(lines)-1] != "too many problems: more are not shown" {
		t.Errorf("%d lines, the last one %q", len(lines), lines[len(lines)-1])
	}
}

func TestAFileThatCannotBeReadIsAProblem(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "none"): ": no such file or directory",
		dir:                        ": is a directory",
	} {
		if _, err := dwaarfile.ParseFile(path, dwaarfile.Disk(nil)); err == nil || err.Error() != path+want {
			t.Errorf("err = %v, want %s", err, path+want)
		}
	}
	if _, err := dwaarfile.ParseFile("f", dwaarfile.Source{}); err == nil || err.Error() != "f: there are no files here" {
		t.Errorf("without files, err = %v", err)
	}
	_, err := dwaarfile.Parse("f", "import *\nimport a\n", dwaarfile.Source{})
	if want := "f:1:8: importing *: there are no files here\nf:2:8: importing a: there are no files here"; err == nil || err.Error() != want {
		t.Errorf("imports without files: err = %v", err)
	}
}

func TestAFileImportedOftenIsReadOnce(t *testing.T) {
	source := files(nil, map[string]string{"s": "log {args[0]}\n"})
	open, opened := source.Open, 0
	source.Open = func(path string) (fs.File, error) { opened++; return open(path) }
	f, err := dwaarfile.Parse("f", "a.com {\n\timport s 1\n\timport s 2\n}\n", source)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := dump(f), "site a.com {\n  log 1\n  log 2\n}\n"; got != want || opened != 1 {
		t.Errorf("opened %d times, got\n%s\nwant\n%s", opened, got, want)
	}
	if got := fmt.Sprint(f.Files); got != "[f s]" {
		t.Errorf("Files = %s", got)
	}
}

func TestAPipeIsNotImported(t *testing.T) {
	_, err := dwaarfile.Parse("f", "import /dev/zero\n", dwaarfile.Disk(nil))
	if want := "f:1:8: importing /dev/zero: not a regular file but a device or pipe"; err == nil || err.Error() != want {
		t.Errorf("err = %v, want %s", err, want)
	}
}

func TestAPatternThatCannotBeReadIsAProblem(t *testing.T) {
	source := files(nil, nil)
	source.Glob = func(string) ([]string, error) { return nil, fs.ErrPermission }
	_, err := dwaarfile.Parse("f", "import *\n", source)
	if want := "f:1:8: importing *: permission denied"; err == nil || err.Error() != want {
		t.Errorf("err = %v, want %s", err, want)
	}
}

func TestImportsAreRelativeToTheFileTheyStandIn(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"Dwaarfile":        "import sub/snippets\nimport sub/sites/*.conf\n",
		"sub/snippets":     "(s) {\n\timport body\n}\n",
		"sub/body":         "respond here\n",
		"sub/sites/a.conf": "a.com {\n\timport s\n\timport ../body\n}\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := dwaarfile.ParseFile(filepath.Join(dir, "Dwaarfile"), dwaarfile.Disk(nil))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := dump(f), "site a.com {\n  respond here\n  respond here\n}\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	first := f.Sites[0].Block.Directives[0].Name
	via := ""
	for i := first.Via; i != nil; i = i.Via {
		rel, _ := filepath.Rel(dir, i.Pos.File)
		via += fmt.Sprintf("%s:%d ", rel, i.Pos.Line)
	}
	if want := "sub/snippets:2 sub/sites/a.conf:2 Dwaarfile:2 "; via != want {
		t.Errorf("the imports on the way are %s, want %s", via, want)
	}
}
