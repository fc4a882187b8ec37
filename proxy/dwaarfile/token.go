package dwaarfile

import "fmt"

// Quote says how a token was written.
type Quote byte

// The ways to write a token.
const (
	Bare     Quote = iota // no quotes: may be structure
	Double                // "…"
	Backtick              // `…`
	Heredoc               // <<MARK … MARK
)

// Token is one word of the text, with its quotes taken off.
type Token struct {
	Text  string
	Quote Quote
	Pos   Position
	Via   *Import // the import it came by, nil for none

	first bool  // it is the first of its line
	lost  *lost // nil when no reference became nothing before it
}

// lost are the references that became nothing and so left no token.
type lost struct {
	here  []reference // on this line, since the token before
	above []reference // on lines above without any token
}

// lose notes references at t.
func (t *Token) lose(here, above []reference) {
	if len(here)+len(above) == 0 {
		return
	}
	t.lost = &lost{here: append(t.emptied(), here...), above: append(t.blank(), above...)}
}

// emptied are the references that became nothing on the line of t.
func (t Token) emptied() []reference {
	if t.lost == nil {
		return nil
	}
	return t.lost.here
}

// blank are those that left the lines above t empty.
func (t Token) blank() []reference {
	if t.lost == nil {
		return nil
	}
	return t.lost.above
}

// Problem is a problem at the token's place.
func (t Token) Problem(format string, args ...any) Problem {
	return Problem{Pos: t.Pos, Via: t.Via, Message: fmt.Sprintf(format, args...)}
}

// is tells whether t is the structural text s: quoted braces are arguments.
func (t Token) is(s string) bool { return t.Quote == Bare && t.Text == s }

// Comment is the text of a comment, from its # to the end of the line.
type Comment struct {
	Text string
	Pos  Position
}
