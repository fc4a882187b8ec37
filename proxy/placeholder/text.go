// Package placeholder fills {…} in texts with values of a request.
package placeholder

import (
	"fmt"
	"net/http"
	"strings"

	"dwaar/proxy/spelling"
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
	name    string // of the placeholder, in full
}

// value is what a placeholder stands for in a request.
type value func(*http.Request) string

// Compile finds the placeholders of text. A placeholder is a brace around a
// name: a letter, "?" or "%", then letters, digits, "_", "-", "." and the like;
// other braces, as those of JSON, are text, and so is a name after a backslash:
// \{path}. A name that dwaar does not know is an error, because it would never
// be filled.
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
		parts = append(parts, part{literal.String(), v, fullName(name)})
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

// IsFixed tells whether the text has no placeholder: it is the same for every
// request.
func (t Text) IsFixed() bool { return t.parts == nil }

// Expand fills the placeholders from r. A value the request does not have is
// empty. A text without placeholders costs nothing, and neither does one that
// is a placeholder alone, beyond its value.
func (t Text) Expand(r *http.Request) string {
	switch {
	case t.parts == nil:
		return t.literal
	case len(t.parts) == 1 && t.parts[0].literal == "":
		return t.parts[0].value(r)
	}
	var room [256]byte
	return string(t.Append(room[:0], r))
}

// ExpandWith is Expand, with every value as change gives it back: it is told
// the full name of the placeholder too.
func (t Text) ExpandWith(r *http.Request, change func(name, value string) string) string {
	if t.parts == nil {
		return t.literal
	}
	var b strings.Builder
	for _, p := range t.parts {
		b.WriteString(p.literal)
		if p.value != nil {
			b.WriteString(change(p.name, p.value(r)))
		}
	}
	return b.String()
}

// Append appends what Expand gives to dst.
func (t Text) Append(dst []byte, r *http.Request) []byte {
	dst = append(dst, t.literal...)
	for _, p := range t.parts {
		dst = append(dst, p.literal...)
		if p.value != nil {
			dst = append(dst, p.value(r)...)
		}
	}
	return dst
}

// Find gives the name of the first placeholder in text, "" if there is none:
// for texts in which none is filled.
func Find(text string) string {
	for rest := text; rest != ""; {
		_, name, after := next(rest)
		if name != "" {
			return name
		}
		rest = after
	}
	return ""
}

// Captures gives the names of the regular expressions whose groups text has
// placeholders for.
func Captures(text string) []string {
	var names []string
	for rest := text; rest != ""; {
		var name string
		_, name, rest = next(rest)
		group, found := strings.CutPrefix(fullName(name), "http.regexp.")
		if dot := strings.LastIndexByte(group, '.'); found && dot >= 0 {
			names = append(names, group[:dot])
		}
	}
	return names
}

// IndexAny is the place of the first of chars in text that is not in a
// placeholder, -1 if there is none.
func IndexAny(text, chars string) int {
	for i := 0; i < len(text); i++ {
		if strings.IndexByte(chars, text[i]) >= 0 {
			return i
		}
		if text[i] == '{' {
			if _, name, after := next(text[i:]); name != "" {
				i = len(text) - len(after) - 1
			}
		}
	}
	return -1
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
	if end == open+1 || end == len(text) || text[end] != '}' || strings.Trim(text[open+1:end], "?%") == "" {
		return text[:open+1], "", text[open+1:]
	}
	if open > 0 && text[open-1] == '\\' {
		return text[:open-1] + text[open:end+1], "", text[end+1:]
	}
	return text[:open], text[open+1 : end], text[end+1:]
}

// isNameByte takes in what ends a name of the user's: a field or key has any
// visible character but braces, quotes and what separates words.
func isNameByte(c byte, first bool) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_':
		return true
	case first:
		return c == '?' || c == '%'
	}
	return '0' <= c && c <= '9' || strings.IndexByte("-.?/[]~", c) >= 0
}

// unknown is the error for a name without a meaning.
func unknown(name string) error {
	meant := ""
	if close := spelling.Closest(name, known()); close != "" && close != name {
		meant = fmt.Sprintf(": did you mean {%s}?", close)
	}
	return fmt.Errorf(`unknown placeholder {%s} (\{%s} is the text itself)%s`, name, name, meant)
}
