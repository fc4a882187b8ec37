package dwaarfile_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"dwaar/proxy/dwaarfile"
)

// FuzzParse holds that any text is read or refused: without a panic, with every
// position inside of its file, and twice the same.
func FuzzParse(f *testing.F) {
	for _, c := range grammar {
		f.Add(c.text, "value", "log\n")
	}
	for _, c := range broken {
		f.Add(c.text, "", "(s) {\n\tlog {args[0]}\n}\n")
	}
	f.Fuzz(func(t *testing.T, text, value, imported string) {
		if len(text)+len(imported) > 1<<16 {
			return
		}
		source := files(map[string]string{"A": value, "SITE": value}, map[string]string{"s": imported, "a": "import s\n"})
		texts := map[string]string{"Dwaarfile": text, "s": imported, "a": "import s\n"}
		file, err := dwaarfile.Parse("Dwaarfile", text, source)
		again, errAgain := dwaarfile.Parse("Dwaarfile", text, source)
		if err == nil && errAgain == nil && dump(file) != dump(again) {
			t.Error("read differently the second time")
		}
		if err == nil {
			checkFile(t, file, texts)
			return
		}
		var problems dwaarfile.Problems
		if !errors.As(err, &problems) || errAgain == nil || err.Error() != errAgain.Error() {
			t.Fatalf("refused as %v, then as %v", err, errAgain)
		}
		for _, p := range problems {
			checkPosition(t, p.Pos, texts)
			for via := p.Via; via != nil; via = via.Via {
				checkPosition(t, via.Pos, texts)
			}
		}
	})
}

func checkFile(t *testing.T, f *dwaarfile.File, texts map[string]string) {
	for _, c := range f.Comments {
		checkPosition(t, c.Pos, texts)
	}
	for _, s := range f.Sites {
		if len(s.Addresses) == 0 {
			t.Error("a site without addresses")
		}
		checkTokens(t, s.Addresses, texts)
		checkDirectives(t, s.Block.Directives, texts, 0)
	}
	if f.Global != nil {
		checkDirectives(t, f.Global.Directives, texts, 0)
	}
}

func checkDirectives(t *testing.T, ds []*dwaarfile.Directive, texts map[string]string, depth int) {
	if depth > dwaarfile.MaxNesting*(dwaarfile.MaxImportDepth+1) {
		t.Fatal("blocks are nested without end")
	}
	for _, d := range ds {
		checkTokens(t, append([]dwaarfile.Token{d.Name}, d.Args...), texts)
		if d.Block != nil {
			checkPosition(t, d.Block.Open, texts)
			checkPosition(t, d.Block.Close, texts)
			checkDirectives(t, d.Block.Directives, texts, depth+1)
		}
	}
}

func checkTokens(t *testing.T, tokens []dwaarfile.Token, texts map[string]string) {
	for _, tok := range tokens {
		checkPosition(t, tok.Pos, texts)
	}
}

// checkPosition fails unless p is in its file, or names a file alone.
func checkPosition(t *testing.T, p dwaarfile.Position, texts map[string]string) {
	t.Helper()
	if p.Line == 0 {
		return
	}
	lines := strings.Split(strings.TrimPrefix(texts[p.File], "\uFEFF"), "\n")
	if p.Line < 1 || p.Line > len(lines) || p.Col < 1 || p.Col > utf8.RuneCountInString(lines[p.Line-1])+1 {
		t.Errorf("the position %s is outside of its file", p)
	}
}

// FuzzFormat holds that any text is refused or keeps its tokens and comments,
// and that formatting it again changes nothing.
func FuzzFormat(f *testing.F) {
	for _, c := range grammar {
		f.Add(c.text)
	}
	for _, c := range layouts {
		f.Add(c.in)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if out, err := dwaarfile.Format("Dwaarfile", text); err == nil {
			checkFormatted(t, text, out)
		} else if out != "" {
			t.Errorf("refused, and yet %q", out)
		}
	})
}
