package dwaarfile

import "slices"

// ParseFile reads the file at path from source. The error is Problems; see
// Parse for the file that comes with one.
func ParseFile(path string, source Source) (*File, error) {
	text, err := ReadFile(path, source)
	if err != nil {
		return nil, err
	}
	return Parse(path, text, source)
}

// ReadFile gives the text of the file at path from source. The error is
// Problems.
func ReadFile(path string, source Source) (string, error) {
	text, err := source.read(path)
	if err != nil {
		return "", Problems{{Pos: Position{File: path}, Message: err.Error()}}
	}
	return text, nil
}

// Parse reads text as the content of the file at path, to which imports are
// relative. The error is Problems. With an error the file holds the blocks that
// have no problem, so that it can be told what else is wrong in them; it is nil
// where not even that is clear.
func Parse(path, text string, source Source) (*File, error) {
	p := &parser{source: source, file: &File{}, files: map[string][]*line{}, snippets: map[string]*snippet{}}
	p.file.Files = []string{path}
	var lines []*line
	if len(text) > MaxFileSize {
		p.problems = Problems{{Pos: Position{File: path}, Message: errTooLarge.Error()}}
	} else {
		lines, p.file.Comments = p.readText(path, text, nil)
	}
	p.top(lines, nil)
	if p.damage.unclear || p.stopped {
		p.file = nil
	}
	return p.file, p.problems.Sorted().Err()
}

// parser turns lines into a File.
type parser struct {
	source   Source
	file     *File
	files    map[string][]*line // lines of the imported files already read
	snippets map[string]*snippet
	problems Problems
	damage   damage

	blocked    Position // of what came before and rules out global options
	blockedBy  string
	seenSites  int
	tokenCount int
	textSize   int
	stopped    bool // a limit is reached
}

// readText is the way from text to lines, for the first file and for those it
// imports.
func (p *parser) readText(path, text string, via *Import) ([]*line, []Comment) {
	tokens, comments, problems := lex(path, text, p.source.Env)
	lines, unbalanced := group(tokens)
	for _, problem := range slices.Concat(problems, unbalanced) {
		p.damage.note(problem)
		problem.Via = via
		p.problems.add(problem)
	}
	return lines, comments
}

func (p *parser) problem(at Token, f *frame, format string, args ...any) {
	at.Via = f.via()
	p.damage.hit = true
	p.problems.add(at.Problem(format, args...))
}

// top reads lines at the top level: global options, snippets, named routes,
// sites and imports of these.
func (p *parser) top(lines []*line, f *frame) {
	for i := 0; i < len(lines) && !p.stopped; {
		l := lines[i]
		i++
		switch {
		case len(l.tokens) == 0:
			p.global(l, f)
		case l.isImport():
			p.importLine(l, f, p.top)
			p.block(l.tokens[0], "an import")
		case l.isBlockPlaceholder():
			p.passedBlock(l.tokens[0], f, p.top)
		case l.defines("(") != "":
			i += p.adoptBlock(l, lines[i:])
			p.defineSnippet(l, f)
		case l.defines("&(") != "":
			i += p.adoptBlock(l, lines[i:])
			p.namedRoute(l, f)
		default:
			i += p.site(lines[i-1:], f) - 1
		}
	}
}

// isImport tells whether l is an import; quotes around the word change nothing.
func (l *line) isImport() bool { return l.tokens[0].Text == "import" }

// adoptBlock gives l the block that opens on the next line, as sites and
// snippets may have it. It returns the number of lines used.
func (p *parser) adoptBlock(l *line, next []*line) int {
	if l.block != nil || len(next) == 0 || len(next[0].tokens) > 0 {
		return 0
	}
	l.block, l.end = next[0].block, next[0].end
	return 1
}

// block notes what rules out global options from here on.
func (p *parser) block(at Token, what string) {
	if p.blockedBy == "" {
		p.blocked, p.blockedBy = at.Pos, what
	}
}

// global reads a block without addresses.
func (p *parser) global(l *line, f *frame) {
	for _, ref := range slices.Concat(l.end.emptied(), l.end.blank()) {
		p.problem(Token{Pos: ref.pos}, f, "%s, and leaves this site without an address", ref.why())
		return
	}
	switch {
	case p.file.Global != nil:
		p.problem(*l.end, f, "a block without an address: the global options stand at %s already", p.file.Global.Open)
	case p.blockedBy != "":
		p.problem(*l.end, f, "a block without an address: global options must come before everything else, and %s stands at %s", p.blockedBy, p.blocked)
	}
	p.damage.hit = false
	block := p.blockOf(l, f)
	if p.file.Global == nil && !p.damage.in(block.Open, block.Close) {
		p.file.Global = block
	}
}

// blockOf is the block of l with all imports in it followed.
func (p *parser) blockOf(l *line, f *frame) *Block {
	if l.block == nil {
		return nil
	}
	return &Block{Open: l.end.Pos, Close: l.block.close, Directives: p.directives(l.block.lines, f)}
}

// directives reads lines inside of a block.
func (p *parser) directives(lines []*line, f *frame) []*Directive {
	var ds []*Directive
	collect := func(lines []*line, f *frame) { ds = append(ds, p.directives(lines, f)...) }
	for _, l := range lines {
		if p.stopped {
			break
		}
		switch {
		case len(l.tokens) == 0: // a brace of its own: group has said so
		case l.isImport():
			p.importLine(l, f, collect)
		case l.isBlockPlaceholder():
			p.passedBlock(l.tokens[0], f, collect)
		case l.defines("(") != "" || l.defines("&(") != "":
			p.problem(l.tokens[0], f, "%s: snippets and named routes are defined outside of sites", l.tokens[0].Text)
		default:
			if tokens := p.replaceArgs(l.tokens[0], l.tokens, f); len(tokens) > 0 {
				ds = append(ds, &Directive{Name: tokens[0], Args: tokens[1:], Block: p.blockOf(l, f)})
			}
		}
	}
	return ds
}
