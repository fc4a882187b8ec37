package config

import (
	"path/filepath"
	"slices"
	"strings"

	"dwaar/proxy/dwaarfile"
	"dwaar/proxy/files"
	"dwaar/proxy/handler"
	"dwaar/proxy/placeholder"
)

func fileServerOptions() table[*files.Config] {
	return table[*files.Config]{of: "file_server", noun: "option", rows: append([]row[*files.Config]{
		{name: "root", usage: "PATH", doc: "the directory, instead of that of root", decode: decodeOwnRoot},
		{name: "hide", usage: "NAME|PATH…", doc: "files and directories that are not there for clients", many: true, decode: decodeHide},
		{name: "index", usage: "NAME…", doc: "the files that stand for their directory", decode: decodeIndex},
		{name: "browse", doc: "lists directories without such a file",
			decode: func(_ line, c *files.Config) { c.Browse = true }},
		{name: "precompressed", usage: "[FORMAT…]", doc: "sends the compressed file beside a file", decode: decodePrecompressed},
		{name: "status", usage: "STATUS", doc: "instead of 200, and with the whole file",
			decode: func(l line, c *files.Config) { c.Status, _ = l.status(l.Args[0], 200) }},
		{name: "disable_canonical_uris", doc: "serves directories without a slash at the end of the path, and files with one",
			decode: func(_ line, c *files.Config) { c.AsWritten = true }},
		{name: "pass_thru", doc: "leaves requests for what is not there to the directives that follow",
			decode: func(_ line, c *files.Config) { c.PassThru = true }},
	}, refused[*files.Config]("content_digest", "digest", "etag_file_extensions", "fs")...)}
}

func decodeRoot(l line, s *scope) {
	set, args, ok := l.matcher()
	switch {
	case !ok:
		return
	case len(args) == 0 && set != nil && strings.HasPrefix(l.Args[0].Text, "/"):
		// root PATH: a path alone is the root, not a matcher.
		set, args = nil, l.Args
	case len(args) == 0:
		l.problem(l.Name, "a path is missing")
		return
	case len(args) > 1:
		l.problem(args[1], "%q is one word too many", args[1].Text)
		return
	}
	s.site.rooted = true
	if path := l.root(args[0]); path != "" {
		s.add(l, args[0], set, handler.Root{Path: path})
	}
}

// root is a path, which may begin with a placeholder.
func (l line) root(tok dwaarfile.Token) string {
	if strings.HasPrefix(tok.Text, "{") {
		return tok.Text
	}
	return l.path(tok)
}

func decodeOwnRoot(l line, c *files.Config) {
	root := l.root(l.Args[0])
	if !l.refuse(l.Args[0], files.Config{Root: root}.Check()) {
		c.Root = root
	}
}

func decodeFileServer(l line, s *scope) {
	set, args, ok := l.matcher()
	if !ok {
		return
	}
	c := files.Config{Private: l.b.config.Files}
	switch {
	case len(args) > 1:
		l.problem(args[1], "%q is one word too many", args[1].Text)
	case len(args) == 1 && args[0].Text != "browse":
		l.problem(args[0], "%q is neither a matcher nor browse", args[0].Text)
	case len(args) == 1:
		c.Browse = true
	}
	l.b.language.fileServer.read(l.b, l.block(), 0, &c)
	if c.Root == "" && !refusedRoot(l) {
		l.b.needRoot = append(l.b.needRoot, l.Name)
	}
	s.add(l, l.Name, set, handler.FileServer{Config: c})
}

// refusedRoot holds for a line that has an option root.
func refusedRoot(l line) bool {
	return slices.ContainsFunc(l.block(), func(d *dwaarfile.Directive) bool { return d.Name.Text == "root" })
}

// checkRooted refuses a site that looks for files and says nowhere where.
func (s *site) checkRooted(b *builder) {
	for _, at := range b.needRoot {
		if !s.rooted {
			b.problem(at, "%s: nothing says where the files are: write root PATH in the site", at.Text)
		}
	}
	b.needRoot = nil
}

func decodeIndex(l line, c *files.Config) {
	for _, tok := range l.Args {
		if !l.refuse(tok, files.Config{Index: []string{tok.Text}}.Check()) {
			c.Index = append(c.Index, tok.Text)
		}
	}
}

func decodeHide(l line, c *files.Config) {
	for _, tok := range l.Args {
		pattern := tok.Text
		if name := placeholder.Find(pattern); name != "" {
			l.problem(tok, "the placeholder {%s} is not supported by dwaar here", name)
			continue
		}
		if strings.ContainsRune(pattern, filepath.Separator) {
			pattern = l.path(tok)
		}
		if !l.refuse(tok, files.Config{Hide: []string{pattern}}.Check()) {
			c.Hide = append(c.Hide, pattern)
		}
	}
}

func decodePrecompressed(l line, c *files.Config) {
	if len(l.Args) == 0 {
		c.Precompressed = []string{"br", "zstd", "gzip"}
	}
	for _, tok := range l.Args {
		next := append(c.Precompressed, tok.Text)
		if !l.refuse(tok, files.Config{Precompressed: next}.Check()) {
			c.Precompressed = next
		}
	}
}
