package match

import (
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"

	"dwaar/proxy/placeholder"
)

// Path is a list of patterns of which one must match the request's path.
//
// Patterns ignore case. One without "*" means exactly this path; "/x*" means
// what starts with /x, "*x" what ends with x, "*x*" what contains x, and "*"
// every path. Any other pattern is a glob as of [path.Match], in which "*" and
// "?" do not cross a "/". The request's path is compared with its dot segments
// resolved and doubled slashes merged; they are kept apart for a pattern that
// has "//" itself. A character that a pattern writes as %xx is compared
// escaped: /a%2Fb means that very escape, not /a/b. Such a pattern is a glob
// wherever its "*" stands.
type Path []string

// PathMatcher is a compiled [Path].
type PathMatcher struct{ patterns []pattern }

// Compile checks the patterns and makes them ready to match.
func (p Path) Compile() (*PathMatcher, error) {
	m := &PathMatcher{patterns: make([]pattern, len(p))}
	for i, written := range p {
		var err error
		if m.patterns[i], err = parsePattern(written); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Match reports whether the path of r is meant.
func (m *PathMatcher) Match(r *http.Request) bool {
	for i := range m.patterns {
		if m.patterns[i].match(r) {
			return true
		}
	}
	return false
}

// pattern is one compiled pattern.
type pattern struct {
	holds       func(path, text string) bool
	text        string // lower case, without the stars holds stands for
	keepSlashes bool
	escaped     []string // the escapes, "%2f", that are compared as such
}

func parsePattern(written string) (pattern, error) {
	if !strings.HasPrefix(written, "/") && !strings.HasPrefix(written, "*") {
		return pattern{}, fmt.Errorf("path pattern %q starts neither with / nor with *", written)
	}
	if name := placeholder.Find(written); name != "" {
		return pattern{}, fmt.Errorf("path pattern %q: placeholders like {%s} are not filled in paths: * stands for any text, and path_regexp finds parts", written, name)
	}
	text := strings.ToLower(written)
	escaped, err := escapesIn(text)
	if err != nil {
		return pattern{}, fmt.Errorf("path pattern %q: %w", written, err)
	}
	p := pattern{text: text, keepSlashes: strings.Contains(text, "//"), escaped: escaped}
	inner := strings.Trim(text, "*")
	switch {
	case !strings.ContainsAny(text, `*?[\`):
		p.holds = func(path, text string) bool { return path == text }
	case strings.ContainsAny(inner, `*?[\`) || strings.Contains(text, "**") || escaped != nil:
		if _, err := path.Match(text, ""); err != nil {
			return pattern{}, fmt.Errorf("path pattern %q: %w", written, err)
		}
		p.holds = func(name, text string) bool { ok, _ := path.Match(text, name); return ok }
	case text == "*":
		p.holds = func(string, string) bool { return true }
	case len(inner) == len(text)-2:
		p.holds, p.text = strings.Contains, inner
	case strings.HasSuffix(text, "*"):
		p.holds, p.text = strings.HasPrefix, inner
	default:
		p.holds, p.text = strings.HasSuffix, inner
	}
	return p, nil
}

func (p *pattern) match(r *http.Request) bool {
	seen := r.URL.Path
	if p.escaped != nil {
		seen = unescapeExcept(strings.ToLower(r.URL.EscapedPath()), p.escaped)
	}
	return p.holds(strings.ToLower(CleanPath(seen, !p.keepSlashes)), p.text)
}

// escapesIn lists the %xx of a lower-case pattern.
func escapesIn(text string) ([]string, error) {
	var escapes []string
	for {
		i := strings.IndexByte(text, '%')
		if i < 0 {
			return escapes, nil
		}
		if len(text) < i+3 || !isHex(text[i+1]) || !isHex(text[i+2]) {
			return nil, fmt.Errorf("%% is not followed by two hexadecimal digits")
		}
		escapes = append(escapes, text[i:i+3])
		text = text[i+3:]
	}
}

// unescapeExcept resolves the escapes of a lower-case path that are not kept.
// %25 always is: a bare % would make an escape of what follows it.
func unescapeExcept(escaped string, keep []string) string {
	var b strings.Builder
	for i := 0; i < len(escaped); i++ {
		c := escaped[i]
		if c != '%' || len(escaped) < i+3 || !isHex(escaped[i+1]) || !isHex(escaped[i+2]) ||
			escaped[i:i+3] == "%25" || slices.Contains(keep, escaped[i:i+3]) {
			b.WriteByte(c)
			continue
		}
		b.WriteByte(unhex(escaped[i+1])<<4 | unhex(escaped[i+2]))
		i += 2
	}
	return b.String()
}

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' }

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c - 'a' + 10
}
