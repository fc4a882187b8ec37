package dwaarfile_test

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"dwaar/proxy/dwaarfile"
)

// files is a source in memory: paths are relative to its root.
func files(env map[string]string, texts map[string]string) dwaarfile.Source {
	m := fstest.MapFS{}
	for name, text := range texts {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return dwaarfile.Source{
		Env:  func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		Open: func(name string) (fs.File, error) { return m.Open(path.Clean(name)) },
		Stat: func(name string) (fs.FileInfo, error) { return m.Stat(path.Clean(name)) },
		Glob: func(pattern string) ([]string, error) { return fs.Glob(m, pattern) },
	}
}

// dump writes a file one directive per line, quoted arguments in Go's quotes.
func dump(f *dwaarfile.File) string {
	var b strings.Builder
	if f.Global != nil {
		b.WriteString("global")
		dumpBlock(&b, f.Global, "")
	}
	for _, r := range f.Routes {
		fmt.Fprintf(&b, "route %s", r.Name.Text)
		dumpBlock(&b, r.Block, "")
	}
	for _, s := range f.Sites {
		b.WriteString("site")
		dumpTokens(&b, s.Addresses)
		dumpBlock(&b, s.Block, "")
	}
	for _, w := range f.Warnings {
		fmt.Fprintf(&b, "warning %s\n", w.Error())
	}
	return b.String()
}

func dumpBlock(b *strings.Builder, block *dwaarfile.Block, indent string) {
	if block == nil {
		b.WriteString("\n")
		return
	}
	b.WriteString(" {\n")
	for _, d := range block.Directives {
		b.WriteString(indent + "  " + d.Name.Text)
		dumpTokens(b, d.Args)
		dumpBlock(b, d.Block, indent+"  ")
	}
	b.WriteString(indent + "}\n")
}

func dumpTokens(b *strings.Builder, tokens []dwaarfile.Token) {
	for _, tok := range tokens {
		if tok.Quote == dwaarfile.Bare {
			b.WriteString(" " + tok.Text)
		} else {
			fmt.Fprintf(b, " %q", tok.Text)
		}
	}
}

func parse(t *testing.T, text string, source dwaarfile.Source) string {
	t.Helper()
	f, err := dwaarfile.Parse("Dwaarfile", text, source)
	if err != nil {
		return err.Error()
	}
	return dump(f)
}
