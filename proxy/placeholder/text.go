// Package placeholder fills {…} in texts with values of a request.
package placeholder

import (
	"fmt"
	"net/http"
	"strings"
)

// Text is a text whose placeholders were found and checked once.
type Text struct {
	literal string // the whole text, if it has no placeholder
	parts   []part
}

// part is a piece of literal text followed by a value; value is nil in a last
// piece that no placeholder follows.
type part struct {
	literal string
	value   value
}

// value is what a placeholder stands for in a request.
type value func(*http.Request) string

// Compile finds the placeholders of text. A placeholder is a brace around a
// name: a letter, then letters, digits, "_", "-" and "."; other braces, as
// those of JSON, are text, and so is a name after a backslash: \{path}. A
// name that dwaar does not know is an error, because it would never be filled.
func Compile(text string) (Text, error) {
	var parts []part
	var literal strings.Builder
	for rest := text; rest != ""; {
		before, name, after := next(rest)
		rest = after
		literal.WriteString(before)
		if name == "" {
			continue
		}
		v, err := lookup(name)
		if err != nil {
			return Text{}, err
		}
		parts = append(parts, part{literal.String(), v})
		literal.Reset()
	}
	if parts == nil {
		return Text{literal: literal.String()}, nil
	}
	if literal.Len() > 0 {
		parts = append(parts, part{literal: literal.String()})
	}
	return Text{parts: parts}, nil
}

// Expand fills the placeholders from r. A value the request does not have is
// empty. A text without placeholders costs nothing.
func (t Text) Expand(r *http.Request) string {
	if t.parts == nil {
		return t.literal
	}
	var b strings.Builder
	for _, p := range t.parts {
		b.WriteString(p.literal)
		if p.value != nil {
			b.WriteString(p.value(r))
		}
	}
	return b.String()
}

// next cuts text at its first brace: the text before, the placeholder's name
// or "" if the brace is only text, then also part of before, and the rest.
func next(text string) (before, name, after string) {
	open := strings.IndexByte(text, '{')
	if open < 0 {
		return text, "", ""
	}
	end := open + 1
	for end < len(text) && isNameByte(text[end], end == open+1) {
		end++
	}
	if end == open+1 || end == len(text) || text[end] != '}' {
		return text[:open+1], "", text[open+1:]
	}
	if open > 0 && text[open-1] == '\\' {
		return text[:open-1] + text[open:end+1], "", text[end+1:]
	}
	return text[:open], text[open+1 : end], text[end+1:]
}

func isNameByte(c byte, first bool) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_':
		return true
	}
	return !first && ('0' <= c && c <= '9' || c == '.' || c == '-')
}

// unknown is the error for a name without a meaning.
func unknown(name string) error {
	return fmt.Errorf(`unknown placeholder {%s} (\{%s} is the text itself)`, name, name)
}
