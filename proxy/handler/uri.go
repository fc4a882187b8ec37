package handler

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"dwaar/proxy/match"
	"dwaar/proxy/placeholder"
)

// URI changes a part of the path or the query of a request.
type URI struct {
	// StripPrefix and StripSuffix are taken off the path, where it has them.
	StripPrefix string `json:"strip_prefix,omitempty"`
	StripSuffix string `json:"strip_suffix,omitempty"`
	// Replace is found in the escaped path and in the query as it is.
	Replace *Replacement `json:"replace,omitempty"`
	// PathRegexp is a regular expression (RE2) that is found in the escaped path.
	PathRegexp *Replacement `json:"path_regexp,omitempty"`
	// Query are changes to the query. All renames are made first, then what is
	// to be set, added, replaced and deleted.
	Query []QueryOp `json:"query,omitempty"`
}

// Replacement says what takes the place of what.
type Replacement struct {
	Find    string `json:"find"`
	Replace string `json:"replace"`
	// Limit is how often it does, in the path and again in the query; zero for
	// always.
	Limit int `json:"limit,omitempty"`
}

// Name implements [Directive].
func (URI) Name() string { return "uri" }

// uriChange changes u with the values of r.
type uriChange func(u *url.URL, r *http.Request)

// Compile implements [Directive].
func (c URI) Compile(*Env) (Middleware, error) {
	change, err := c.change()
	if err != nil {
		return nil, fmt.Errorf("uri: %w", err)
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, withURL(r, func(u *url.URL) { change(u, r) }))
		})
	}, nil
}

func (c URI) change() (uriChange, error) {
	var changes []uriChange
	var problems []error
	for _, compile := range []func() (uriChange, error){c.prefix, c.suffix, c.substring, c.expression, c.query} {
		change, err := compile()
		if err != nil {
			problems = append(problems, err)
		} else if change != nil {
			changes = append(changes, change)
		}
	}
	switch {
	case len(problems) > 0:
		return nil, errors.Join(problems...)
	case len(changes) == 0:
		return nil, errors.New("nothing to do")
	case len(changes) == 1:
		return changes[0], nil
	}
	return func(u *url.URL, r *http.Request) {
		for _, change := range changes {
			change(u, r)
		}
	}, nil
}

func (c URI) prefix() (uriChange, error) {
	if c.StripPrefix == "" {
		return nil, nil
	}
	text, err := placeholder.Compile("/" + strings.TrimPrefix(c.StripPrefix, "/"))
	return func(u *url.URL, r *http.Request) { stripPrefix(u, text.Expand(r)) }, err
}

func (c URI) suffix() (uriChange, error) {
	if c.StripSuffix == "" {
		return nil, nil
	}
	text, err := placeholder.Compile(c.StripSuffix)
	return func(u *url.URL, r *http.Request) { stripSuffix(u, text.Expand(r)) }, err
}

func (c URI) substring() (uriChange, error) {
	if c.Replace == nil {
		return nil, nil
	}
	if c.Replace.Find == "" {
		return nil, errors.New("replace: nothing to find")
	}
	find, err := placeholder.Compile(c.Replace.Find)
	if err != nil {
		return nil, err
	}
	replace, err := placeholder.Compile(c.Replace.Replace)
	if err != nil {
		return nil, err
	}
	limit := c.Replace.Limit
	if limit <= 0 {
		limit = -1
	}
	mergeSlashes := !strings.Contains(c.Replace.Find, "//")
	return func(u *url.URL, r *http.Request) {
		old, fresh := find.Expand(r), replace.Expand(r)
		if old == "" {
			return // a placeholder without a value is nowhere, not everywhere
		}
		changePath(u, func(escaped string) string {
			return strings.Replace(match.CleanPath(escaped, mergeSlashes), old, fresh, limit)
		})
		u.RawQuery = safeQuery(strings.Replace(u.RawQuery, old, fresh, limit))
	}, nil
}

func (c URI) expression() (uriChange, error) {
	if c.PathRegexp == nil {
		return nil, nil
	}
	if c.PathRegexp.Find == "" {
		return nil, errors.New("path_regexp: nothing to find")
	}
	find, err := regexp.Compile(c.PathRegexp.Find)
	if err != nil {
		return nil, fmt.Errorf("path_regexp: %w", err)
	}
	replace, err := placeholder.Compile(c.PathRegexp.Replace)
	return func(u *url.URL, r *http.Request) {
		fresh := replace.Expand(r)
		changePath(u, func(escaped string) string { return find.ReplaceAllString(escaped, fresh) })
	}, err
}
