package dwaarfile

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// frame is one import being followed: what {args[…]} and {block} mean in the
// lines it brings. The nil frame is the file that was asked for.
type frame struct {
	what   string // snippet or file, to find cycles and to speak of it
	args   []Token
	block  *body  // the block passed to the import, nil for none
	caller *frame // in which the import line, and so the passed block, stands
	trail  *Import
}

func (f *frame) via() *Import {
	if f == nil {
		return nil
	}
	return f.trail
}

// importLine follows one import and hands the lines it brings to read.
func (p *parser) importLine(l *line, f *frame, read func([]*line, *frame)) {
	keyword := l.tokens[0]
	args := p.replaceArgs(keyword, l.tokens[1:], f)
	switch {
	case p.stopped:
		return
	case len(args) == 0 || args[0].Text == "":
		p.problem(keyword, f, "import needs a snippet, a file or a pattern")
		return
	case f.via().depth() == MaxImportDepth:
		p.problem(keyword, f, "imports are nested deeper than %d", MaxImportDepth)
		return
	}
	name := args[0]
	called := frame{args: args[1:], block: l.block, caller: f}
	if s := p.snippets[name.Text]; s != nil {
		called.what = "(" + name.Text + ")"
		p.damage.enter(s.name.Pos, s.body.close)
		p.enter(keyword, called, s.body.lines, read)
		return
	}
	for _, path := range p.paths(name, f) {
		if lines, ok := p.readImport(path, name, f); ok {
			called.what = path
			p.damage.enter(Position{File: path}, Position{})
			p.enter(keyword, called, lines, read)
		}
	}
}

// enter reads lines in a new frame, unless it is entered already.
func (p *parser) enter(keyword Token, called frame, lines []*line, read func([]*line, *frame)) {
	for f := called.caller; f != nil; f = f.caller {
		if f.what == called.what {
			p.problem(keyword, called.caller, "these imports go in a circle: %s", called.circle())
			return
		}
	}
	called.trail = &Import{Pos: keyword.Pos, Name: called.what, Via: called.caller.via()}
	read(lines, &called)
}

// circle shows the way from f back to itself.
func (f *frame) circle() string {
	chain := f.what
	for step := f.caller; step != nil; step = step.caller {
		chain = step.what + " → " + chain
		if step.what == f.what {
			break
		}
	}
	return chain
}

// paths are the files that name stands for: one, or those a pattern matches.
func (p *parser) paths(name Token, f *frame) []string {
	path := name.Text
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(name.Pos.File), path)
	}
	if !strings.ContainsAny(name.Text, "*?[]") {
		return []string{path}
	}
	if strings.ContainsAny(name.Text, "[]") || strings.Count(name.Text, "*") > 1 || strings.Count(name.Text, "?") > 1 {
		p.problem(name, f, "the pattern %q is not supported: one * and one ? at most, and no [ ]", name.Text)
		return nil
	}
	return p.glob(name, path, f)
}

// glob gives the files that match pattern; a leading * leaves out those whose
// names begin with a dot.
func (p *parser) glob(name Token, pattern string, f *frame) []string {
	if p.source.Glob == nil {
		p.problem(name, f, "importing %s: there are no files here", name.Text)
		return nil
	}
	paths, err := p.source.Glob(pattern)
	if err != nil {
		p.problem(name, f, "importing %s: %v", name.Text, err)
		return nil
	}
	if !slices.Contains(p.file.Patterns, pattern) {
		p.file.Patterns = append(p.file.Patterns, pattern)
	}
	if strings.HasPrefix(filepath.Base(pattern), "*") {
		paths = slices.DeleteFunc(paths, func(path string) bool { return strings.HasPrefix(filepath.Base(path), ".") })
	}
	if len(paths) == 0 {
		warning := name.Problem("no file matches the pattern %s: nothing is imported", name.Text)
		warning.Via = f.via()
		p.file.Warnings = append(p.file.Warnings, warning)
	}
	return paths
}

// readImport gives the lines of a file, which is read once however often it is
// imported.
func (p *parser) readImport(path string, name Token, f *frame) ([]*line, bool) {
	if lines, known := p.files[path]; known {
		return lines, true
	}
	if err := p.checkRegular(path); err != nil {
		p.importProblem(name, f, path, err)
		return nil, false
	}
	text, err := p.source.read(path)
	if err != nil {
		p.importProblem(name, f, path, err)
		return nil, false
	}
	lines, _ := p.readText(path, text, &Import{Pos: name.Pos, Name: path, Via: f.via()})
	p.files[path] = lines
	p.file.Files = append(p.file.Files, path)
	return lines, true
}

func (p *parser) importProblem(name Token, f *frame, path string, err error) {
	if len(p.snippets) > 0 && !strings.ContainsAny(name.Text, "/.*?") {
		p.problem(name, f, "importing %s: no snippet of this name is defined above, and as a file: %v", name.Text, err)
		return
	}
	p.problem(name, f, "importing %s: %v", path, err)
}

// checkRegular refuses what is no file: opening a pipe could wait for ever.
func (p *parser) checkRegular(path string) error {
	if p.source.Stat == nil {
		return nil
	}
	info, err := p.source.Stat(path)
	if err != nil {
		return withoutPath(err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("not a regular file but %s", kind(info.Mode()))
	}
	return nil
}

func kind(m fs.FileMode) string {
	if m.IsDir() {
		return "a directory"
	}
	return "a device or pipe"
}
