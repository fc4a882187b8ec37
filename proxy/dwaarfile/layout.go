package dwaarfile

import (
	"strings"
	"unicode"
)

// layout writes the pieces of a text anew as they come from the lexer.
type layout struct {
	text string // as in the file
	at   int    // of what is not written yet, in text
	out  strings.Builder

	depth          int  // of blocks
	opened, closed bool // a block, by the line being written
	loose          bool // the last word needs white space behind it
}

// add writes one token or comment, and the line end before it.
func (l *layout) add(p piece) {
	gap, raw := withoutCR(l.text[l.at:p.from]), l.text[p.from:p.to]
	l.at = p.to
	opens, closes := false, false
	switch {
	case p.comment:
		raw = strings.TrimRightFunc(raw, unicode.IsSpace)
	case p.quote == Heredoc: // its lines end with LF whatever stands here
		raw = withoutCR(raw)
	case p.quote == Bare:
		opens, closes = raw == "{", raw == "}"
	}
	if p.first {
		l.startLine(gap, closes)
	} else {
		l.out.WriteString(between(gap))
	}
	l.out.WriteString(raw)
	l.mark(opens, closes)
	l.loose = p.quote == Bare && !p.comment && endsLoosely(raw)
}

// mark notes that a brace was written.
func (l *layout) mark(opens, closes bool) {
	if opens {
		l.depth++
		l.opened = true
	}
	if closes {
		l.depth--
		l.closed = true
	}
}

// startLine ends the line before, if any, and indents the next one. A
// continuation before the first word stays.
func (l *layout) startLine(gap string, closes bool) {
	tail, lead, ends := splitGap(gap)
	if l.out.Len() > 0 {
		l.endLine(tail)
		if l.wantsBlank(ends, closes) {
			l.out.WriteByte('\n')
		}
	}
	l.opened, l.closed = false, false
	depth := l.depth
	if closes {
		depth--
	}
	l.out.WriteString(strings.Repeat("\t", max(depth, 0)))
	if at := strings.IndexByte(lead, '\\'); at >= 0 {
		l.out.WriteString(lead[at:])
	}
}

// wantsBlank tells whether a blank line follows the last one, which was
// followed by this many line ends.
func (l *layout) wantsBlank(ends int, closes bool) bool {
	switch {
	case l.opened || closes:
		return false
	case l.closed && l.depth == 0:
		return true
	}
	return ends > 1
}

// endLine ends a line behind which tail stands: white space, and continuations
// that continue nothing.
func (l *layout) endLine(tail string) {
	if at := strings.LastIndexByte(tail, '\n'); at >= 0 {
		l.out.WriteString(tail[:at+1])
	} else if l.loose {
		l.out.WriteByte(' ')
	}
	l.out.WriteByte('\n')
}

// end writes the last line end.
func (l *layout) end() string {
	if l.out.Len() > 0 {
		tail, _, _ := splitGap(withoutCR(l.text[l.at:]))
		l.endLine(tail)
	}
	return l.out.String()
}

// endsLoosely tells whether a word would be something else without the space
// that stands between it and the end of its line: a continuation or a heredoc.
func endsLoosely(word string) bool {
	return strings.HasSuffix(word, `\`) || strings.HasPrefix(word, "<<")
}

// between is what is written between two words of a line.
func between(gap string) string {
	if strings.Contains(gap, `\`) {
		return gap
	}
	return " "
}

// splitGap cuts what stands between two tokens into what belongs to the line of
// the first and what to that of the second, and counts the line ends between
// them. One behind a backslash ends no line.
func splitGap(gap string) (tail, lead string, ends int) {
	tail, lead = gap, gap
	for i := range len(gap) {
		if gap[i] != '\n' || i > 0 && gap[i-1] == '\\' {
			continue
		}
		if ends == 0 {
			tail = gap[:i]
		}
		lead = gap[i+1:]
		ends++
	}
	return tail, lead, ends
}

func withoutCR(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }
