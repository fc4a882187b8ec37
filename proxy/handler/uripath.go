package handler

import (
	"net/http"
	"net/url"
	"strings"

	"dwaar/proxy/match"
)

// withURL is r with a URL that change has changed. r stays as it is, for the
// access log and for what else has it.
func withURL(r *http.Request, change func(*url.URL)) *http.Request {
	out := new(http.Request)
	*out = *r
	out.URL = new(url.URL)
	*out.URL = *r.URL
	change(out.URL)
	return out
}

// changePath gives u the path that change makes of its escaped one. The result
// starts with a slash and has no dot segments, so that what stands between the
// cut and the next slash can never become a way up.
func changePath(u *url.URL, change func(escaped string) string) {
	escaped := change(u.EscapedPath())
	path, err := url.PathUnescape(escaped)
	if err != nil {
		// The change has cut an escape apart.
		path = change(u.Path)
		escaped = (&url.URL{Path: path}).EscapedPath()
	}
	if !strings.HasPrefix(path, "/") {
		path, escaped = "/"+path, "/"+escaped
	}
	if !strings.HasPrefix(escaped, "/") {
		escaped = "/" + escaped[len("%2F"):] // only a slash itself begins a path
	}
	if cleaned := match.CleanPath(path, false); cleaned != path {
		path = cleaned
		escaped = match.CleanPath(escaped, false)
	}
	u.Path, u.RawPath = path, escaped
	if again, err := url.PathUnescape(escaped); err != nil || again != path || escaped == (&url.URL{Path: path}).EscapedPath() {
		u.RawPath = "" // it says nothing that Path does not
	}
}

// stripPrefix takes prefix, in any case and any escaping, off the path of u.
// Dot segments and doubled slashes are resolved first, as matchers do; slashes
// stay doubled for a prefix that has such itself.
func stripPrefix(u *url.URL, prefix string) {
	changePath(u, func(escaped string) string {
		return cutPrefix(match.CleanPath(escaped, !strings.Contains(prefix, "//")), prefix)
	})
}

// stripSuffix is stripPrefix for the end of the path.
func stripSuffix(u *url.URL, suffix string) {
	changePath(u, func(escaped string) string {
		return cutSuffix(match.CleanPath(escaped, !strings.Contains(suffix, "//")), suffix)
	})
}

// cutPrefix takes prefix off an escaped path. Characters are compared, not
// their escapes, and case does not count; but an escape in prefix means that
// very escape.
func cutPrefix(escaped, prefix string) string {
	if len(escaped) >= len(prefix) && !strings.Contains(escaped[:len(prefix)], "%") && strings.EqualFold(escaped[:len(prefix)], prefix) {
		return escaped[len(prefix):]
	}
	rest := escaped
	for prefix != "" {
		plain, escape := runOf(prefix)
		if len(escape) == 1 || len(escape) == 2 {
			return escaped // no escape is so short
		}
		prefix = prefix[len(plain)+len(escape):]
		seen := make([]byte, 0, 64)
		for len(seen) < len(plain) {
			c, n := firstOf(rest)
			if n == 0 {
				return escaped
			}
			seen, rest = append(seen, c), rest[n:]
		}
		if !strings.EqualFold(string(seen), plain) || len(rest) < len(escape) || !strings.EqualFold(rest[:len(escape)], escape) {
			return escaped
		}
		rest = rest[len(escape):]
	}
	return rest
}

// runOf is what a pattern begins with: plain characters, and the escape behind
// them.
func runOf(pattern string) (plain, escape string) {
	i := strings.IndexByte(pattern, '%')
	if i < 0 {
		return pattern, ""
	}
	return pattern[:i], pattern[i:min(i+3, len(pattern))]
}

// firstOf is the character that an escaped path begins with, and how long it
// is written; zero for none.
func firstOf(escaped string) (c byte, n int) {
	if escaped == "" {
		return 0, 0
	}
	if escaped[0] != '%' {
		return escaped[0], 1
	}
	if len(escaped) < 3 {
		return 0, 0
	}
	decoded, err := url.PathUnescape(escaped[:3])
	if err != nil {
		return 0, 0
	}
	return decoded[0], 3
}

// cutSuffix is cutPrefix for the end: the suffix begins at the one place from
// which all of the rest is cut as a prefix.
func cutSuffix(escaped, suffix string) string {
	for at := len(escaped); at >= 0; at-- {
		inEscape := at >= 1 && escaped[at-1] == '%' || at >= 2 && escaped[at-2] == '%'
		if !inEscape && len(escaped)-at >= len(suffix)/3 && suffix != "" && cutPrefix(escaped[at:], suffix) == "" && at < len(escaped) {
			return escaped[:at]
		}
		if len(escaped)-at > 3*len(suffix) {
			break
		}
	}
	return escaped
}

// safeQuery escapes what may not stand in a query: a space would end the
// target of a request, a control character the line.
func safeQuery(query string) string {
	unsafe := func(c byte) bool { return c <= ' ' || c >= 0x7f || c == '#' }
	i := 0
	for i < len(query) && !unsafe(query[i]) {
		i++
	}
	if i == len(query) {
		return query
	}
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for j := range len(query) {
		if c := query[j]; unsafe(c) {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
