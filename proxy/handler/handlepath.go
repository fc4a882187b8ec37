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
			enter.ServeHTTP(w, withURL(r, func(u *url.URL) { stripPrefix(u, prefix) }))
		})
	}, nil
}

func (HandlePath) group() group { return handles }

func (c HandlePath) wants() *match.Set { return &match.Set{Path: match.Path{c.Path}} }
