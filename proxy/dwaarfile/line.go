package dwaarfile

// line is one line of a file with the block that it opens: what a directive, a
// site, a snippet and an import have in common, before imports are followed.
type line struct {
	tokens []Token // without the brace; none for a brace on a line of its own
	block  *body   // nil when the line opens none
	end    *Token  // the brace that opens the block, else the last token
}

type body struct {
	lines []*line
	close Position
}

// liner groups the tokens of one file into lines. Braces are checked here, per
// file, so that no import can close the block of another file.
type liner struct {
	tokens   []Token
	problems Problems
	stopped  bool // nesting is too deep: nothing more can be said
}

// group gives the lines of a file.
func group(tokens []Token) ([]*line, Problems) {
	g := &liner{tokens: tokens}
	lines, _ := g.lines(nil, 0)
	return lines, g.problems
}

// lines reads up to the brace that closes the block which open opened, or, for
// nil, to the end of the file.
func (g *liner) lines(open *Token, depth int) (lines []*line, close Position) {
	for len(g.tokens) > 0 && !g.stopped {
		tok := g.tokens[0]
		if tok.is("}") {
			g.takeClose()
			if open != nil {
				return lines, tok.Pos
			}
			g.problem(tok, "this } closes no block")
			continue
		}
		l := g.line()
		if l.end.is("{") && len(l.tokens) == 0 && open != nil {
			g.problem(*l.end, "the { of a block must stand at the end of its directive's line")
		}
		if l.end.is("{") {
			l.block = g.block(*l.end, depth)
		}
		lines = append(lines, l)
	}
	if open != nil && !g.stopped {
		g.problem(*open, "this { is never closed: } is missing")
	}
	return lines, Position{}
}

func (g *liner) block(open Token, depth int) *body {
	if depth == MaxNesting {
		g.problem(open, "blocks are nested deeper than %d", MaxNesting)
		g.stopped = true
		return &body{}
	}
	lines, close := g.lines(&open, depth+1)
	return &body{lines: lines, close: close}
}

// takeClose takes a }, which should have its line for itself.
func (g *liner) takeClose() {
	g.tokens = g.tokens[1:]
	if len(g.tokens) > 0 && !g.tokens[0].first && !g.tokens[0].is("}") {
		g.problem(g.tokens[0], "%q follows a }: the } must stand on a line of its own", g.tokens[0].Text)
		g.tokens[0].first = true
	}
}

// line takes the tokens of one line. A brace in the middle of it is reported
// and then read as if its line ended there, to find what else is wrong.
func (g *liner) line() *line {
	n := 0
	for n < len(g.tokens) && (n == 0 || !g.tokens[n].first) && !g.tokens[n].is("}") && !g.tokens[n].is("{") {
		n++
	}
	l := &line{tokens: g.tokens[:n:n]}
	g.tokens = g.tokens[n:]
	if n > 0 {
		l.end = &l.tokens[n-1]
	}
	if len(g.tokens) == 0 || n > 0 && g.tokens[0].first {
		g.checkEnd(l)
		return l
	}
	brace := &g.tokens[0]
	if brace.is("}") {
		g.problem(*brace, "the } must stand on a line of its own")
		return l
	}
	l.end = brace
	g.tokens = g.tokens[1:]
	if len(g.tokens) > 0 && !g.tokens[0].first {
		g.problem(g.tokens[0], "%q follows a {: the block must start on the next line", g.tokens[0].Text)
		g.tokens[0].first = true
	}
	return l
}

// checkEnd refuses {} at the end of a line, which looks like an empty block
// and is an argument.
func (g *liner) checkEnd(l *line) {
	if l.end.is("{}") {
		g.problem(*l.end, "{} at the end of a line: write { and } on lines of their own, or \"{}\" for the text")
	}
}

func (g *liner) problem(at Token, format string, args ...any) {
	g.problems.add(at.Problem(format, args...))
}
