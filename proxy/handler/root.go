package handler

import (
	"errors"
	"fmt"
	"net/http"

	"dwaar/proxy/files"
	"dwaar/proxy/request"
)

// Root says in which directory the handlers after it look for files. Of
// several in one chain the first that matches counts.
type Root struct {
	// Path is absolute, and may hold placeholders.
	Path string `json:"path"`
}

// Name implements [Directive].
func (Root) Name() string { return "root" }

// Compile implements [Directive].
func (c Root) Compile(*Env) (Middleware, error) {
	if c.Path == "" {
		return nil, errors.New("root: no path")
	}
	root, err := files.NewRoot(c.Path)
	if err != nil {
		return nil, fmt.Errorf("root: %w", err)
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			directory, err := root.Of(r)
			if err != nil {
				Fail(w, r, http.StatusNotFound, err)
				return
			}
			r, state := request.Ensure(r)
			state.SetVar(files.RootVar, directory)
			next.ServeHTTP(w, r)
		})
	}, nil
}

func (Root) group() group { return roots }
