package dwaarfile

import (
	"fmt"
	"strings"
	"unicode"
)

// Tokens gives the tokens and comments of a text, one a line and with nothing of
// their places but what begins a line.
func Tokens(text string, env func(string) (string, bool)) (string, error) {
	tokens, comments, problems := lex("", text, env)
	var b strings.Builder
	for _, tok := range tokens {
		fmt.Fprintf(&b, "%q %d %v\n", tok.Text, tok.Quote, tok.first)
	}
	for _, c := range comments {
		fmt.Fprintf(&b, "%q\n", strings.TrimRightFunc(c.Text, unicode.IsSpace))
	}
	return b.String(), problems.Err()
}
