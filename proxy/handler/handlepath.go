package handler

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"dwaar/proxy/match"
)

// HandlePath is a [Handle] for the requests under a path, which takes that
// prefix off first. Its route needs no matcher. As everywhere, what comes
// after sees the path as it was changed.
type HandlePath struct {
	// Path is the pattern as written: "/api/*" takes "/api" off, "/api*" too.
	Path   string `json:"path"`
	Routes Chain  `json:"routes,omitempty"`
}

// Name implements [Directive].
func (HandlePath) Name() string { return "handle_path" }

// Compile implements [Directive].
func (c HandlePath) Compile(env *Env) (Middleware, error) {
	if !strings.HasPrefix(c.Path, "/") || strings.ContainsAny(strings.TrimSuffix(c.Path, "*"), `*?[\%`) {
		return nil, fmt.Errorf("handle_path: %q is not a path prefix like /api/*", c.Path)
	}
	inner, err := c.Routes.Compile(env)
	if err != nil {
		return nil, err
	}
	prefix := strings.TrimSuffix(strings.TrimSuffix(c.Path, "*"), "/")
	return func(next http.Handler) http.Handler {
		enter := inner(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			enter.ServeHTTP(w, stripped(r, prefix))
		})
	}, nil
}

func (HandlePath) group() group { return handles }

func (c HandlePath) wants() *match.Set { return &match.Set{Path: match.Path{c.Path}} }

// stripped is r with prefix, in any case and any escaping, off its path.
// Dot segments and doubled slashes are resolved first, as the matcher did.
func stripped(r *http.Request, prefix string) *http.Request {
	escaped := match.CleanPath(r.URL.EscapedPath(), !strings.Contains(prefix, "//"))
	rest := "/" + strings.TrimLeft(cutPrefix(escaped, prefix), "/")
	out := new(http.Request)
	*out = *r
	out.URL = new(url.URL)
	*out.URL = *r.URL
	out.URL.RawPath = rest
	if path, err := url.PathUnescape(rest); err == nil {
		out.URL.Path = path
	}
	return out
}

// cutPrefix takes prefix off an escaped path, comparing characters, not
// their escapes, and ignoring case.
func cutPrefix(escaped, prefix string) string {
	rest := escaped
	seen := make([]byte, 0, 64)
	for len(seen) < len(prefix) {
		n := 1
		if strings.HasPrefix(rest, "%") {
			n = 3
		}
		if len(rest) < n {
			return escaped
		}
		c, err := url.PathUnescape(rest[:n])
		if err != nil {
			return escaped
		}
		seen = append(seen, c...)
		rest = rest[n:]
	}
	if !strings.EqualFold(string(seen), prefix) {
		return escaped
	}
	return rest
}
