// Package match decides whether a request is meant. Everything is parsed and
// compiled once, when a configuration is loaded.
package match

import (
	"fmt"
	"net/http"
	"strings"

	"dwaar/proxy/files"
)

// Set is the matcher of a route as data. All of its parts must match; within
// one part, one of its values is enough unless the part says otherwise. An
// empty set matches every request.
type Set struct {
	Path         Path          `json:"path,omitempty"`
	PathRegexp   *Regexp       `json:"path_regexp,omitempty"`
	Host         []string      `json:"host,omitempty"`
	Method       []string      `json:"method,omitempty"`
	Protocol     []string      `json:"protocol,omitempty"`
	RemoteIP     Networks      `json:"remote_ip,omitempty"`
	ClientIP     Networks      `json:"client_ip,omitempty"`
	Header       []Field       `json:"header,omitempty"`
	HeaderRegexp []FieldRegexp `json:"header_regexp,omitempty"`
	Query        []Parameter   `json:"query,omitempty"`
	Vars         []Variable    `json:"vars,omitempty"`
	VarsRegexp   []FieldRegexp `json:"vars_regexp,omitempty"`
	// File looks for files on the disk.
	File *files.Try `json:"file,omitempty"`
	// Not are sets of which none may match.
	Not []Set `json:"not,omitempty"`
}

// Matcher is a compiled [Set].
type Matcher struct {
	tests []test // all must hold
}

// test is one compiled part of a set.
type test func(*http.Request) bool

// Compile checks s and makes it ready to match requests. The cheap parts are
// asked first.
func (s Set) Compile() (*Matcher, error) {
	m := &Matcher{}
	for _, part := range []func() ([]test, error){
		s.methodTests, s.protocolTests, s.hostTests, s.pathTests, s.addressTests, s.headerTests, s.queryTests,
		s.varsTests, s.pathRegexpTests, s.headerRegexpTests, s.varsRegexpTests, s.notTests, s.fileTests,
	} {
		tests, err := part()
		if err != nil {
			return nil, err
		}
		m.tests = append(m.tests, tests...)
	}
	return m, nil
}

// Match reports whether every part of the set matches r. What the regular
// expressions of the set found is kept in the state of r.
func (m *Matcher) Match(r *http.Request) bool {
	for _, holds := range m.tests {
		if !holds(r) {
			return false
		}
	}
	return true
}

func (s Set) pathTests() ([]test, error) {
	if len(s.Path) == 0 {
		return nil, nil
	}
	m, err := s.Path.Compile()
	if err != nil {
		return nil, err
	}
	return []test{m.Match}, nil
}

func (s Set) notTests() ([]test, error) {
	tests := make([]test, len(s.Not))
	for i, set := range s.Not {
		m, err := set.Compile()
		if err != nil {
			return nil, fmt.Errorf("not: %w", err)
		}
		if len(m.tests) == 0 {
			return nil, fmt.Errorf("not: a matcher is missing")
		}
		tests[i] = func(r *http.Request) bool { return !m.Match(r) }
	}
	return tests, nil
}

// starred is a value that may have a * at its start, its end, or both.
type starred struct {
	text          string
	before, after bool
}

func newStarred(written string) starred {
	s := starred{text: written}
	s.text, s.before = strings.CutPrefix(s.text, "*")
	s.text, s.after = strings.CutSuffix(s.text, "*")
	return s
}

func (s starred) match(value string) bool {
	switch {
	case s.before && s.after:
		return strings.Contains(value, s.text)
	case s.before:
		return strings.HasSuffix(value, s.text)
	case s.after:
		return strings.HasPrefix(value, s.text)
	}
	return value == s.text
}
