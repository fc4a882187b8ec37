package dwaarfile

import (
	"strings"
	"unicode"
)

// Format gives text, the content of the file at path, in its one layout: a tab
// for every block, a space between two words, at most one blank line and none
// at the edges of a block, one behind every block at the top level, lines that
// end with LF. Comments, quoted text, heredocs, continued lines, environment
// references and imports stay as they are written. It reads nothing but text.
//
// The result has the same tokens and comments as text, whatever plain words the
// environment references stand for, and formatting it again changes nothing.
// A text whose words or blocks cannot be told apart is refused; the error is
// Problems. Imported files, which need not be whole, can be formatted like any
// other.
func Format(path, text string) (string, error) {
	if len(text) > MaxFileSize {
		return "", Problems{{Pos: Position{File: path}, Message: errTooLarge.Error()}}
	}
	out, problems := layOut(path, text)
	if len(problems) > 0 {
		return "", problems.Sorted()
	}
	if strings.HasPrefix(out, byteOrderMark) { // it was a character of a word
		out = byteOrderMark + out
	}
	if len(out) > MaxFileSize {
		return "", Problems{{Pos: Position{File: path}, Message: "formatted, " + errTooLarge.Error()}}
	}
	if problem := changed(path, text, out); problem != nil {
		return "", Problems{*problem}
	}
	return out, nil
}

// layOut writes a text anew, with every environment reference taken for a word or
// a part of one.
func layOut(path, text string) (string, Problems) {
	lexer, problems := newLexer(path, text, mask)
	if len(problems) > 0 {
		return "", problems
	}
	page := &layout{text: strings.TrimPrefix(text, byteOrderMark)}
	lexer.seen = page.add
	lexer.run()
	_, unbalanced := group(lexer.tokens)
	if problems := append(lexer.problems, unbalanced...); len(problems) > 0 {
		return "", problems
	}
	return page.end(), nil
}

// mask stands for a reference where its value does not matter. It is as long as
// the reference, so that places in the text are places in the file.
func mask(r *reference) (string, error) {
	return "{$" + strings.Repeat("?", len(r.name)) + "}", nil
}

// changed is the first place of text that means something else in out, nil if
// there is none. What a reference becomes may join what stands around it, as in
// {$A}"b  c", which is one word when A is empty and two when it is not; no layout
// suits both.
func changed(path, text, out string) *Problem {
	if !strings.Contains(text, "{$") {
		return nil
	}
	unset := func(string) (string, bool) { return "", false }
	empty := func(string) (string, bool) { return "", true }
	for _, env := range []func(string) (string, bool){unset, empty} {
		before, problems := meaning(path, text, env)
		if len(problems) > 0 { // it means nothing then
			continue
		}
		after, worse := meaning(path, out, env)
		for i, tok := range before {
			if i == len(after) || !tok.same(after[i]) {
				return &Problem{Pos: tok.Pos, Message: undecided}
			}
		}
		if len(after) > len(before) || len(worse) > 0 {
			return &Problem{Pos: Position{File: path}, Message: undecided}
		}
	}
	return nil
}

const undecided = "an environment reference decides where words begin and end: write it in quotes, or with spaces around it"

// meaning gives what must not change: tokens, and comments in the form of tokens.
func meaning(path, text string, env func(string) (string, bool)) ([]Token, Problems) {
	tokens, comments, problems := lex(path, text, env)
	for _, c := range comments {
		tokens = append(tokens, Token{Text: strings.TrimRightFunc(c.Text, unicode.IsSpace), Pos: c.Pos})
	}
	return tokens, problems
}

// same tells whether two tokens differ in nothing but their places.
func (t Token) same(u Token) bool {
	return t.Text == u.Text && t.Quote == u.Quote && t.first == u.first
}
