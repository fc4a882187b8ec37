package dwaarfile

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// lexer cuts one file into tokens. It goes on after a problem, so that one run
// finds them all.
type lexer struct {
	text string
	refs []reference // those not yet passed
	off  int         // in text, in bytes
	pos  Position    // of off, in the file

	tokens   []Token
	comments []Comment
	problems Problems

	from int         // where the token being read starts in text
	seen func(piece) // gets every token and comment with its place in text; nil for nobody

	newline bool        // a line ended since the last token
	emptied []reference // passed since the last token on this line
	blank   []reference // passed on lines without a token, since the last token
}

// byteOrderMark may begin a file and says nothing.
const byteOrderMark = "\uFEFF"

// piece is where a token or comment stands in the text of the lexer.
type piece struct {
	from, to int
	quote    Quote
	comment  bool
	first    bool // it is the first of its line
}

// lex cuts the text of a file into tokens and comments.
func lex(file, text string, env func(string) (string, bool)) ([]Token, []Comment, Problems) {
	l, problems := newLexer(file, text, func(r *reference) (string, error) { return r.lookUp(env) })
	if problems != nil {
		return nil, nil, problems
	}
	l.run()
	return l.tokens, l.comments, l.problems
}

// newLexer is a lexer of text with its environment references replaced by
// value.
func newLexer(file, text string, value func(*reference) (string, error)) (*lexer, Problems) {
	at := Position{File: file, Line: 1, Col: 1}
	text = strings.TrimPrefix(text, byteOrderMark)
	if off, what := findNotText(text); what != "" {
		return nil, Problems{{Pos: after(at, text[:off]), Message: "the file " + what}}
	}
	replaced, refs, err := replaceEnv(text, value)
	if err != nil {
		return nil, Problems{{Pos: Position{File: file}, Message: err.Error()}}
	}
	return &lexer{text: replaced, refs: refs, pos: at, newline: true}, nil
}

// after is the position behind text that begins at p.
func after(p Position, text string) Position {
	for _, r := range text {
		p.step(r)
	}
	return p
}

func (p *Position) step(r rune) {
	if r == '\n' {
		p.Line, p.Col = p.Line+1, 1
		return
	}
	p.Col++
}

func (l *lexer) run() {
	for l.skipSpace() {
		start := l.pos
		l.from = l.off
		switch r := l.peek(); {
		case r == '"':
			l.double(start)
		case r == '`':
			l.backtick(start)
		case l.ahead("<<"):
			l.heredoc(start)
		default:
			l.word(start)
		}
	}
}

// peek is the next character, 0 at the end: NUL is not text.
func (l *lexer) peek() rune {
	l.passReferences()
	r, size := utf8.DecodeRuneInString(l.text[l.off:])
	if size == 0 {
		return 0
	}
	return r
}

func (l *lexer) ahead(s string) bool { return strings.HasPrefix(l.text[l.off:], s) }

// next takes the next character. What an environment variable brought in stands,
// all of it, where its reference stands in the file.
func (l *lexer) next() rune {
	r := l.peek()
	if r == 0 {
		return 0
	}
	inside := len(l.refs) > 0 && l.refs[0].start <= l.off
	l.off += utf8.RuneLen(r)
	if !inside {
		l.pos.step(r)
	}
	return r
}

// passReferences steps over the references whose values end here.
func (l *lexer) passReferences() {
	for len(l.refs) > 0 && l.refs[0].end <= l.off {
		ref := l.refs[0]
		ref.pos = l.pos
		if ref.start == ref.end {
			ref.alone = l.alone(ref)
			l.emptied = append(l.emptied, ref)
		}
		l.pos.Col += ref.width
		l.refs = l.refs[1:]
	}
}

// alone tells whether nothing but white space and a comma stands around ref.
func (l *lexer) alone(ref reference) bool {
	before, _ := utf8.DecodeLastRuneInString(l.text[:ref.start])
	behind, _ := utf8.DecodeRuneInString(l.text[ref.end:])
	return (ref.start == 0 || unicode.IsSpace(before)) &&
		(ref.end == len(l.text) || unicode.IsSpace(behind) || behind == ',')
}

// skipSpace goes to the start of the next token, false when there is none.
func (l *lexer) skipSpace() bool {
	for {
		switch r := l.peek(); {
		case r == 0:
			l.endLine()
			return false
		case r == '\n':
			l.endLine()
			l.next()
		case unicode.IsSpace(r):
			l.next()
		case r == '#':
			l.comment()
		case l.ahead("\\\n") || l.ahead("\\\r\n"):
			for l.next() != '\n' {
			}
		default:
			return true
		}
	}
}

// endLine keeps the references that became nothing with the line they stand
// on: with its last token, or, on a line without tokens, with the next one.
func (l *lexer) endLine() {
	if l.newline || len(l.tokens) == 0 {
		l.blank = append(l.blank, l.emptied...)
	} else {
		l.tokens[len(l.tokens)-1].lose(l.emptied, nil)
	}
	l.emptied = nil
	l.newline = true
}

func (l *lexer) comment() {
	start, from, emptied := l.pos, l.off, len(l.emptied)
	for r := l.peek(); r != 0 && r != '\n'; r = l.peek() {
		l.next()
	}
	l.emptied = l.emptied[:emptied] // what a comment loses, nobody misses
	text := strings.TrimRight(l.text[from:l.off], "\r")
	l.comments = append(l.comments, Comment{Text: text, Pos: start})
	l.see(piece{from: from, to: l.off, comment: true, first: l.newline})
	l.checkSize(start)
}

// checkSize stops at the limit, as if the file ended there.
func (l *lexer) checkSize(at Position) {
	if len(l.tokens)+len(l.comments) <= MaxTokens {
		return
	}
	l.problem(at, "the file is too large: the limit is %d words and comments", MaxTokens)
	l.text, l.off, l.refs = "", 0, nil
	l.tokens, l.comments = nil, nil
}

func (l *lexer) emit(start Position, text string, quote Quote) {
	tok := Token{Text: text, Quote: quote, Pos: start, first: l.newline}
	tok.lose(l.emptied, l.blank)
	l.tokens = append(l.tokens, tok)
	l.see(piece{from: l.from, to: l.off, quote: quote, first: l.newline})
	l.newline, l.emptied, l.blank = false, nil, nil
	l.checkSize(start)
}

func (l *lexer) see(p piece) {
	if l.seen != nil {
		l.seen(p)
	}
}

func (l *lexer) problem(at Position, format string, args ...any) {
	l.problems.add(Problem{Pos: at, Message: fmt.Sprintf(format, args...)})
}

// codePoint is r as U+0007.
func codePoint(r rune) string { return fmt.Sprintf("%U", r) }
