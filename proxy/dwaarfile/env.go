package dwaarfile

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// reference is one {$NAME} or {$NAME:default} and what became of it.
type reference struct {
	name       string
	set        bool // the variable exists
	hasDefault bool
	alone      bool     // it became nothing, and so did the token it stood for
	pos        Position // set by the lexer
	start, end int      // of the value in the replaced text, in bytes
	width      int      // of the reference in the file, in characters
}

// replaceEnv replaces the references of a text by their values, before anything
// else is read: a value of two words becomes two tokens. Values are not looked
// into again. The references come back in order, so that the lexer can still say
// where in the file a token stands. value gets them with the whole inside of the
// braces as their name.
func replaceEnv(text string, value func(*reference) (string, error)) (string, []reference, error) {
	var out strings.Builder
	var refs []reference
	for {
		before, name, after, found := cutReference(text)
		out.WriteString(before)
		if !found {
			return out.String(), refs, nil
		}
		ref := reference{name: name, width: utf8.RuneCountInString(text[len(before) : len(text)-len(after)])}
		replacement, err := value(&ref)
		if err != nil {
			return "", nil, err
		}
		ref.start = out.Len()
		out.WriteString(replacement)
		ref.end = out.Len()
		if out.Len()+len(after) > MaxFileSize {
			return "", nil, errTooLarge
		}
		if len(refs) == maxReferences {
			return "", nil, fmt.Errorf("more than %d environment references in one file", maxReferences)
		}
		refs = append(refs, ref)
		text = after
	}
}

// cutReference finds the first reference of text. One that is not closed on
// its line is none; {$} is text.
func cutReference(text string) (before, inside, after string, found bool) {
	from := 0
	for {
		at := strings.Index(text[from:], "{$")
		if at < 0 {
			return text, "", "", false
		}
		at += from
		length := strings.IndexAny(text[at:], "}\n")
		if length > len("{$") && text[at+length] == '}' {
			return text[:at], text[at+len("{$") : at+length], text[at+length+1:], true
		}
		from = at + len("{$")
	}
}

// lookUp finds the value of r, whose name is still the whole inside of the
// braces. A default counts only when the variable does not exist.
func (r *reference) lookUp(env func(string) (string, bool)) (string, error) {
	name, fallback, hasDefault := strings.Cut(r.name, ":")
	r.name, r.hasDefault = name, hasDefault
	var value string
	if env != nil {
		value, r.set = env(name)
	}
	if !r.set {
		return fallback, nil
	}
	if what := notText(value); what != "" {
		return "", &envError{name: name, what: what}
	}
	return value, nil
}

// envError is a variable whose value cannot stand in a text.
type envError struct{ name, what string }

func (e *envError) Error() string {
	return "the value of the environment variable " + e.name + " " + e.what
}

// why says in what way r became nothing.
func (r reference) why() string {
	if !r.set && !r.hasDefault {
		return "the environment variable " + r.name + " is not set"
	}
	return "the environment variable " + r.name + " is empty"
}

// notText says what keeps s from being text, "" if nothing does.
func notText(s string) string {
	_, what := findNotText(s)
	return what
}

// findNotText finds the first thing in s that is not text, in bytes from its
// start: a control character other than tab and line end, or bytes that are
// not UTF-8.
func findNotText(s string) (int, string) {
	for i, r := range s {
		switch {
		case r == '\n' || r == '\t':
		case r == '\r' && (i+1 == len(s) || s[i+1] == '\n'):
		case r == '\r':
			return i, "contains a carriage return that ends no line"
		case r == 0:
			return i, "contains a NUL byte"
		case unicode.IsControl(r):
			return i, "contains the control character " + codePoint(r)
		case r == utf8.RuneError && strings.HasPrefix(s[i:], "\uFFFD"):
		case r == utf8.RuneError:
			return i, "is not UTF-8"
		}
	}
	return -1, ""
}
