package match

import (
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"

	"dwaar/proxy/placeholder"
)

// Field is a header field and what it may hold. Several of one name are
// alternatives; those of different names must all match.
type Field struct {
	Name string `json:"name"`
	// Value is what one of the field's values must be, with a * at its start,
	// its end or both for the rest, and with placeholders. "*" is any value.
	Value string `json:"value,omitempty"`
	// Absent means that the field must not be there. It has no Value then.
	Absent bool `json:"absent,omitempty"`
}

func (s Set) headerTests() ([]test, error) {
	var names []string
	byName := map[string][]test{}
	for _, f := range s.Header {
		holds, err := f.compile()
		if err != nil {
			return nil, fmt.Errorf("header: %w", err)
		}
		name := http.CanonicalHeaderKey(f.Name)
		if byName[name] == nil {
			names = append(names, name)
		}
		byName[name] = append(byName[name], holds)
	}
	var tests []test
	for _, name := range names {
		tests = append(tests, anyOf(byName[name]))
	}
	return tests, nil
}

func (f Field) compile() (test, error) {
	name, err := fieldName(f.Name)
	if err != nil {
		return nil, err
	}
	if f.Absent {
		if f.Value != "" {
			return nil, fmt.Errorf("!%s: a field that is not there has no value", f.Name)
		}
		return func(r *http.Request) bool { return len(fieldValues(r, name)) == 0 }, nil
	}
	text, err := placeholder.Compile(f.Value)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name, err)
	}
	fixed := newStarred(text.Expand(new(http.Request)))
	if text.IsFixed() {
		return func(r *http.Request) bool { return anyValue(r, name, fixed) }, nil
	}
	return func(r *http.Request) bool { return anyValue(r, name, newStarred(text.Expand(r))) }, nil
}

func anyValue(r *http.Request, name string, wanted starred) bool {
	for _, value := range fieldValues(r, name) {
		if wanted.match(value) {
			return true
		}
	}
	return false
}

// fieldName is the canonical form of a field's name.
func fieldName(written string) (string, error) {
	if !httpguts.ValidHeaderFieldName(written) {
		return "", fmt.Errorf("%q is not a header field name", written)
	}
	return http.CanonicalHeaderKey(written), nil
}

// fieldValues are the values of a canonical field. The server moves Host out
// of the header.
func fieldValues(r *http.Request, name string) []string {
	if name == "Host" {
		return []string{r.Host}
	}
	return r.Header[name]
}

// Variable is a variable, or a placeholder in its braces, and what it may be.
// Several are alternatives.
type Variable struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
}

func (s Set) varsTests() ([]test, error) {
	if len(s.Vars) == 0 {
		return nil, nil
	}
	var alternatives []test
	for _, v := range s.Vars {
		holds, err := v.compile()
		if err != nil {
			return nil, fmt.Errorf("vars: %w", err)
		}
		alternatives = append(alternatives, holds)
	}
	return []test{anyOf(alternatives)}, nil
}

func (v Variable) compile() (test, error) {
	name, err := variable(v.Name)
	if err != nil {
		return nil, err
	}
	values := make([]placeholder.Text, len(v.Values))
	for i, value := range v.Values {
		if values[i], err = placeholder.Compile(value); err != nil {
			return nil, err
		}
	}
	return func(r *http.Request) bool {
		is := name.Expand(r)
		for _, value := range values {
			if value.Expand(r) == is {
				return true
			}
		}
		return false
	}, nil
}

// variable compiles the name of a variable into the text that is its value.
func variable(name string) (placeholder.Text, error) {
	if !strings.HasPrefix(name, "{") {
		name = "{http.vars." + name + "}"
	}
	text, err := placeholder.Compile(name)
	if err == nil && text.IsFixed() {
		err = fmt.Errorf("%q is not the name of a variable", name)
	}
	return text, err
}
