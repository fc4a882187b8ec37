package dwaarfile

import (
	"regexp"
	"strings"
	"unicode"
)

var heredocMarker = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// heredoc reads <<MARK, if it ends its line, and the lines up to MARK. Text
// behind << that does not end the line is an ordinary word.
func (l *lexer) heredoc(start Position) {
	rest := l.text[l.off+len("<<"):]
	end := strings.IndexFunc(rest, unicode.IsSpace)
	if end < 0 {
		end = len(rest)
	}
	marker := rest[:end]
	if line := strings.TrimPrefix(rest[end:], "\r"); line != "" && line[0] != '\n' {
		l.word(start)
		return
	}
	switch {
	case marker == "":
		l.problem(start, "the heredoc << has no marker: write <<END, the text, and END on a line of its own")
	case strings.HasPrefix(marker, "<"):
		l.problem(start, "the heredoc <<%s has too many <: write two", marker)
	case !heredocMarker.MatchString(marker):
		l.problem(start, "the heredoc marker %q may only have letters, digits, - and _", marker)
	default:
		l.heredocBody(start, marker)
		return
	}
	l.word(start)
}

// heredocBody reads the body of a heredoc whose first line is still ahead.
func (l *lexer) heredocBody(start Position, marker string) {
	for r := l.next(); r != '\n' && r != 0; r = l.next() {
	}
	first := l.pos
	body, length := cutHeredoc(l.text[l.off:], marker)
	if length < 0 {
		l.problem(start, "the heredoc <<%s is never closed: %s is missing on a line of its own", marker, marker)
		l.unclear()
		l.skipTo(len(l.text))
	} else {
		l.skipTo(l.off + length)
		body = l.outdent(body, first, marker)
	}
	l.emit(start, body, Heredoc)
}

func (l *lexer) skipTo(end int) {
	for l.off < end {
		l.next()
	}
}

// cutHeredoc splits text at the line that begins with the marker: the lines
// before it with that line's own indentation, and the length of all including
// the marker; -1 if there is no such line.
func cutHeredoc(text, marker string) (body string, length int) {
	for off := 0; off < len(text); {
		line, _, more := strings.Cut(text[off:], "\n")
		bare := strings.TrimLeft(line, " \t")
		if rest, found := strings.CutPrefix(bare, marker); found && startsWithSpace(rest) {
			length = off + len(line) - len(rest)
			return text[:length-len(marker)], length
		}
		off += len(line)
		if more {
			off++
		}
	}
	return text, -1
}

func startsWithSpace(s string) bool {
	return s == "" || unicode.IsSpace(rune(s[0]))
}

// outdent takes from every line of a heredoc the white space that stands before
// its closing marker, and drops the last line end. A marker inside a line is
// refused: elsewhere it would end the heredoc right there.
func (l *lexer) outdent(body string, first Position, marker string) string {
	lines := strings.Split(body, "\n")
	indent := lines[len(lines)-1]
	lines = lines[:len(lines)-1]
	for i, line := range lines {
		line = strings.TrimSuffix(line, "\r")
		at := Position{File: first.File, Line: min(first.Line+i, l.pos.Line), Col: 1}
		if strings.Contains(line, marker) {
			l.problem(at, "the heredoc marker %s stands inside this line: choose another marker", marker)
		}
		rest, found := strings.CutPrefix(line, indent)
		if !found && line != "" {
			l.problem(at, "this line is indented less than the closing %s of its heredoc, or by other characters", marker)
			rest = line
		}
		lines[i] = rest
	}
	return strings.Join(lines, "\n")
}
