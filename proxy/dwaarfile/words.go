package dwaarfile

import (
	"strings"
	"unicode"
)

// word reads a token without quotes. A quote inside it is an ordinary
// character, and so is a backslash, unless it ends the line.
func (l *lexer) word(start Position) {
	if l.ahead("\\\"") || l.ahead("\\`") {
		l.problem(start, "a backslash before a quote stands outside of quotes: write the text in backquotes, or \\\" inside double quotes")
	}
	if l.ahead("\\<<") {
		l.next() // the escape of a heredoc
	}
	from := l.off
	for r := l.peek(); r != 0 && !unicode.IsSpace(r); r = l.peek() {
		if l.ahead("\\\n") || l.ahead("\\\r\n") {
			break
		}
		l.next()
	}
	text := l.text[from:l.off]
	if unclosedReference(text) {
		l.problem(start, "the environment reference %s is never closed: } is missing", text)
	}
	l.emit(start, text, Bare)
}

// unclosedReference tells whether text has a {$NAME without its }.
func unclosedReference(text string) bool {
	_, name, found := strings.Cut(text, "{$")
	return found && name != "" && !strings.Contains(name, "}")
}

// double reads "…", where \" is the only escape. The text may span lines; its
// closing quote ends the token at once.
func (l *lexer) double(start Position) {
	l.next()
	var text strings.Builder
	for {
		if l.peek(); l.ahead(`\"`) {
			l.next()
			text.WriteRune(l.next())
			continue
		}
		switch r := l.next(); r {
		case 0:
			l.problem(start, "the quote \" is never closed")
			l.unclear()
			l.emit(start, text.String(), Double)
			return
		case '"':
			l.emit(start, text.String(), Double)
			return
		case '\\': // keeps the character behind it from being looked at
			text.WriteRune(r)
			if l.ahead(`\`) {
				text.WriteRune(l.next())
			}
		default:
			text.WriteRune(r)
		}
	}
}

// backtick reads `…`, which has no escapes and may span lines.
func (l *lexer) backtick(start Position) {
	l.next()
	from := l.off
	for r := l.peek(); r != '`'; r = l.peek() {
		if r == 0 {
			l.problem(start, "the quote ` is never closed")
			l.unclear()
			l.emit(start, l.text[from:l.off], Backtick)
			return
		}
		l.next()
	}
	text := l.text[from:l.off]
	l.next()
	l.emit(start, text, Backtick)
}
