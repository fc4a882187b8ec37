package dwaarfile

// damage knows which parts of a text have a problem, so that the others can be
// read for what they mean.
type damage struct {
	lexical Problems // of quotes, words and braces, by place
	unclear bool     // nobody can say what is inside of quotes and what is not
	hit     bool     // there was a problem since this was set to false
}

// note remembers a problem that is found before blocks are.
func (d *damage) note(p Problem) {
	d.lexical.add(p)
	d.hit = true
	d.unclear = d.unclear || p.unclear
}

// enter is for text that is imported from elsewhere: its problems count here.
func (d *damage) enter(from, to Position) {
	if d.between(from, to) {
		d.hit = true
	}
}

// in tells whether the block between two places has a problem, or something it
// imports.
func (d *damage) in(from, to Position) bool { return d.hit || d.between(from, to) }

// between tells whether a problem stands between two places; to the end of the
// file for the zero Position.
func (d *damage) between(from, to Position) bool {
	for _, p := range d.lexical {
		if p.Pos.File == from.File && p.Pos.Line >= from.Line && (to.Line == 0 || p.Pos.Line <= to.Line) {
			return true
		}
	}
	return false
}

// unclear marks the last problem as one behind which the text may mean anything.
func (l *lexer) unclear() {
	if n := len(l.problems); n > 0 {
		l.problems[n-1].unclear = true
	}
}
