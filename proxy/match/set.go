// Package match decides whether a request is meant.
package match

import "net/http"

// Set is the matcher of a route as data. All of its parts must match; an
// empty set matches every request.
type Set struct {
	Path Path `json:"path,omitempty"`
}

// Matcher is a compiled [Set].
type Matcher struct {
	path *PathMatcher // nil: any
}

// Compile checks s and makes it ready to match requests.
func (s Set) Compile() (*Matcher, error) {
	if len(s.Path) == 0 {
		return &Matcher{}, nil
	}
	path, err := s.Path.Compile()
	if err != nil {
		return nil, err
	}
	return &Matcher{path: path}, nil
}

// Match reports whether every part of the set matches r.
func (m *Matcher) Match(r *http.Request) bool {
	return m.path == nil || m.path.Match(r)
}
