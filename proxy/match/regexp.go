package match

import (
	"fmt"
	"net/http"
	"regexp"

	"dwaar/proxy/placeholder"
	"dwaar/proxy/request"
)

// Regexp is a regular expression (RE2). What its groups find is {re.NAME.1},
// or {re.NAME.GROUP} for a group with a name.
type Regexp struct {
	Name    string `json:"name,omitempty"`
	Pattern string `json:"pattern"`
}

// FieldRegexp is a regular expression for the values of a field or variable.
type FieldRegexp struct {
	Field string `json:"field"`
	Regexp
}

func (e Regexp) compile() (func(r *http.Request, text string) bool, error) {
	expression, err := regexp.Compile(e.Pattern)
	if err != nil {
		return nil, err
	}
	return func(r *http.Request, text string) bool {
		groups := expression.FindStringSubmatchIndex(text)
		if groups == nil {
			return false
		}
		request.Of(r).SetCapture(e.Name, expression, text, groups)
		return true
	}, nil
}

// pathRegexpTests compile PathRegexp, which sees the path with its dot segments
// resolved and doubled slashes merged.
func (s Set) pathRegexpTests() ([]test, error) {
	if s.PathRegexp == nil {
		return nil, nil
	}
	find, err := s.PathRegexp.compile()
	if err != nil {
		return nil, fmt.Errorf("path_regexp: %w", err)
	}
	return []test{func(r *http.Request) bool { return find(r, CleanPath(r.URL.Path, true)) }}, nil
}

// headerRegexpTests compile HeaderRegexp, of which all must match.
func (s Set) headerRegexpTests() ([]test, error) {
	var tests []test
	for _, f := range s.HeaderRegexp {
		name, err := fieldName(f.Field)
		if err != nil {
			return nil, fmt.Errorf("header_regexp: %w", err)
		}
		find, err := f.compile()
		if err != nil {
			return nil, fmt.Errorf("header_regexp: %w", err)
		}
		tests = append(tests, func(r *http.Request) bool {
			for _, value := range fieldValues(r, name) {
				if find(r, value) {
					return true
				}
			}
			return false
		})
	}
	return tests, nil
}

// varsRegexpTests compile VarsRegexp, of which one must match.
func (s Set) varsRegexpTests() ([]test, error) {
	var alternatives []test
	for _, f := range s.VarsRegexp {
		find, err := f.compile()
		if err != nil {
			return nil, fmt.Errorf("vars_regexp: %w", err)
		}
		var name placeholder.Text
		if name, err = variable(f.Field); err != nil {
			return nil, fmt.Errorf("vars_regexp: %w", err)
		}
		alternatives = append(alternatives, func(r *http.Request) bool { return find(r, name.Expand(r)) })
	}
	if alternatives == nil {
		return nil, nil
	}
	return []test{anyOf(alternatives)}, nil
}
