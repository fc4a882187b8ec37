package config

import (
	"dwaar/proxy/dwaarfile"
	"dwaar/proxy/files"
	"dwaar/proxy/handler"
	"dwaar/proxy/match"
)

func tryFilesOptions() table[*handler.TryFiles] {
	return table[*handler.TryFiles]{of: "try_files", noun: "option", rows: []row[*handler.TryFiles]{
		{name: "policy", usage: "POLICY", doc: "which of several files that are there is taken",
			decode: func(l line, c *handler.TryFiles) { c.Policy = l.word(l.Args[0], files.Policies...) }},
	}}
}

func decodeTryFiles(l line, s *scope) {
	var c handler.TryFiles
	l.b.language.tryFiles.read(l.b, l.block(), 0, &c)
	l.b.needRoot = append(l.b.needRoot, l.Name)
	for _, tok := range l.Args {
		c.Files = append(c.Files, tok.Text)
	}
	s.add(l, l.Name, nil, c)
}

func fileMatcherOptions() table[*files.Try] {
	return table[*files.Try]{of: "file", noun: "option", rows: []row[*files.Try]{
		{name: "root", usage: "PATH", doc: "the directory, instead of that of root",
			decode: func(l line, c *files.Try) { c.Root = l.root(l.Args[0]) }},
		{name: "try_files", usage: "FILE…", doc: "the files to look for",
			decode: func(l line, c *files.Try) { l.try(c, l.Args) }},
		{name: "try_policy", usage: "POLICY", doc: "which of several files that are there is taken",
			decode: func(l line, c *files.Try) { c.Policy = l.word(l.Args[0], files.Policies...) }},
		{name: "split_path", instead: "it is for FastCGI, which dwaar does not speak"},
	}}
}

func decodeFileMatcher(l line, def *definition) {
	var c files.Try
	l.try(&c, l.Args)
	l.b.language.fileMatcher.read(l.b, l.block(), 0, &c)
	if c.Root == "" && !refusedRoot(l) {
		l.b.needRoot = append(l.b.needRoot, l.Name)
	}
	_, err := match.Set{File: &files.Try{Root: c.Root}}.Compile()
	if !l.refuse(l.Name, err) {
		def.set.File = &c
	}
}

// try adds the files of a line, as far as they are not refused.
func (l line) try(c *files.Try, args []dwaarfile.Token) {
	for _, tok := range args {
		_, err := files.Try{Files: []string{tok.Text}}.Compile()
		if !l.refuse(tok, err) {
			c.Files = append(c.Files, tok.Text)
		}
	}
}
