package handler

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"dwaar/proxy/placeholder"
)

// Rewrite gives a request another path, another query, or both, before the
// handlers after it see it. Of several in one chain the first that matches is
// entered.
type Rewrite struct {
	// To is /path, ?query or /path?query, with placeholders; what it does not
	// name stays. "?" alone takes the query away.
	To string `json:"to"`
}

// Name implements [Directive].
func (Rewrite) Name() string { return "rewrite" }

func (Rewrite) group() group { return rewrites }

// Compile implements [Directive].
func (c Rewrite) Compile(*Env) (Middleware, error) {
	to, err := compileTarget(c.To)
	if err != nil {
		return nil, fmt.Errorf("rewrite: %w", err)
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, withURL(r, func(u *url.URL) { to.apply(u, r) }))
		})
	}, nil
}

// rewriteTarget is a compiled target: what becomes of a URL.
type rewriteTarget struct {
	hasPath, hasQuery bool
	path              placeholder.Text
	query             queryTemplate
}

func compileTarget(to string) (rewriteTarget, error) {
	if to == "" {
		return rewriteTarget{}, errors.New("no target")
	}
	if placeholder.IndexAny(to, "#") >= 0 {
		return rewriteTarget{}, fmt.Errorf("%q: a fragment is never sent to a server", to)
	}
	var t rewriteTarget
	path := to
	if i := placeholder.IndexAny(to, "?"); i >= 0 {
		path = to[:i]
		t.hasQuery = true
		var err error
		if t.query, err = compileQuery(to[i+1:]); err != nil {
			return t, err
		}
	}
	t.hasPath = path != ""
	var err error
	t.path, err = placeholder.Compile(path)
	return t, err
}

// apply changes u, with the values of r, which u does not belong to.
func (t *rewriteTarget) apply(u *url.URL, r *http.Request) {
	if t.hasPath {
		path, _, _ := strings.Cut(t.path.ExpandWith(r, func(name, value string) string { return escapedValue(r, name, value) }), "#")
		// A value may bring a query with it, as {uri} does. It does not take
		// the place of one that is written.
		path, query, found := strings.Cut(path, "?")
		if found && (!t.hasQuery || len(t.query) == 0) {
			u.RawQuery = safeQuery(query)
		}
		if decoded, err := url.PathUnescape(path); err == nil {
			path = decoded
		}
		if !strings.HasPrefix(path, "/") {
			path = "/" + path
		}
		u.Path, u.RawPath = path, ""
		if found && len(t.query) == 0 {
			return
		}
	}
	if t.hasQuery {
		u.RawQuery = safeQuery(t.query.expand(r))
	}
}

// escapedValue is a value as it may stand in an escaped path: those of paths
// are decoded and must not be decoded again, others come as they are.
func escapedValue(r *http.Request, name, value string) string {
	switch {
	case name == "http.request.uri.path":
		return r.URL.EscapedPath()
	case name == "http.matchers.file.relative", strings.HasSuffix(name, ".path_escaped"),
		strings.HasPrefix(name, "http.request.uri.path."), strings.HasPrefix(name, "http.request.orig_uri.path"):
		return strings.ReplaceAll(url.PathEscape(value), "%2F", "/")
	}
	return value
}

// queryTemplate is a query to be filled in, cut at its separators.
type queryTemplate []queryPart

type queryPart struct {
	text    placeholder.Text
	isValue bool // it stands behind a "="
}

func compileQuery(query string) (queryTemplate, error) {
	var t queryTemplate
	for pair := true; pair; {
		var one string
		one, query, pair = cutAny(query, "&")
		key, value, hasValue := cutAny(one, "=")
		text, err := placeholder.Compile(key)
		if err != nil {
			return nil, err
		}
		if key != "" || hasValue {
			t = append(t, queryPart{text: text})
		}
		if hasValue {
			if text, err = placeholder.Compile(value); err != nil {
				return nil, err
			}
			t = append(t, queryPart{text, true})
		}
	}
	return t, nil
}

// cutAny cuts text at the first separator outside placeholders.
func cutAny(text, separators string) (before, after string, found bool) {
	i := placeholder.IndexAny(text, separators)
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+1:], true
}

// expand fills the query with values of r, escaped, so that none of them adds
// a pair of its own; only {query} as a whole may.
func (t queryTemplate) expand(r *http.Request) string {
	var b strings.Builder
	for _, part := range t {
		text := part.text.ExpandWith(r, func(name, value string) string {
			if name == "http.request.uri.query" && !part.isValue {
				return value
			}
			return url.QueryEscape(value)
		})
		switch {
		case part.isValue:
			b.WriteByte('=')
		case b.Len() > 0 && text != "":
			b.WriteByte('&')
		}
		b.WriteString(text)
	}
	return b.String()
}
