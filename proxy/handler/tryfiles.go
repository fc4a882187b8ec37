package handler

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"dwaar/proxy/files"
)

// TryFiles rewrites a request to the first of several files that is there. One
// for which none is goes on as it came.
type TryFiles struct {
	// Files are paths below the root, with placeholders; one that ends in a
	// slash means a directory. A ?query behind it takes the place of the
	// request's. The last one may be =404, or another status from 400 to 599,
	// to fail with.
	Files []string `json:"files"`
	// Policy is that of [files.Try].
	Policy string `json:"policy,omitempty"`
}

// Name implements [Directive].
func (TryFiles) Name() string { return "try_files" }

// tryFiles is a compiled TryFiles.
type tryFiles struct {
	finder  *files.Finder
	queries []*queryTemplate // for each file, nil to keep the request's
	failure int              // the status to fail with, or zero
}

var errNoneIsThere = errors.New("none of the files of try_files is there")

// Compile implements [Directive].
func (c TryFiles) Compile(*Env) (Middleware, error) {
	t, err := c.compile()
	if err != nil {
		return nil, fmt.Errorf("try_files: %w", err)
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			found, ok := t.finder.Find(r)
			switch {
			case ok:
				found.Keep(r)
				next.ServeHTTP(w, withURL(r, func(u *url.URL) { t.lead(u, r, found) }))
			case t.failure != 0:
				Fail(w, r, t.failure, errNoneIsThere)
			default:
				next.ServeHTTP(w, r)
			}
		})
	}, nil
}

// lead gives u the path of a file, and its query if it has one.
func (t *tryFiles) lead(u *url.URL, r *http.Request, found files.Found) {
	u.Path, u.RawPath = found.Relative, ""
	if query := t.queries[found.Index]; query != nil {
		u.RawQuery = safeQuery(query.expand(r))
	}
}

func (c TryFiles) compile() (*tryFiles, error) {
	t := &tryFiles{}
	paths := c.Files
	var problems []error
	if n := len(paths); n > 0 && strings.HasPrefix(paths[n-1], "=") {
		status, err := strconv.Atoi(paths[n-1][1:])
		if err != nil || status < 400 || status > 599 {
			problems = append(problems, fmt.Errorf("%q is not a status from =400 to =599", paths[n-1]))
		}
		if c.Policy != "" && c.Policy != "first_exist" {
			problems = append(problems, fmt.Errorf("%q needs the policy first_exist", paths[n-1]))
		}
		t.failure, paths = status, paths[:n-1]
	}
	if len(paths) == 0 {
		problems = append(problems, errors.New("no file"))
	}
	try := files.Try{Policy: c.Policy}
	for _, file := range paths {
		path, query, found := cutAny(file, "?")
		try.Files = append(try.Files, path)
		var template *queryTemplate
		if found {
			compiled, err := compileQuery(query)
			if err != nil {
				problems = append(problems, err)
			}
			template = &compiled
		}
		t.queries = append(t.queries, template)
	}
	var err error
	if t.finder, err = try.Compile(); err != nil {
		problems = append(problems, err)
	}
	return t, errors.Join(problems...)
}
