package match

import (
	"fmt"
	"net/http"

	"dwaar/proxy/placeholder"
	"dwaar/proxy/request"
)

// Parameter is a pair of the query. Several of one key are alternatives; those
// of different keys must all match. A query that cannot be read matches none.
type Parameter struct {
	// Key is compared as it is, after its placeholders are filled. The empty
	// key alone, with an empty Value, means a request without a query.
	Key string `json:"key"`
	// Value is compared as it is, after its placeholders are filled; "*" is any
	// value.
	Value string `json:"value,omitempty"`
}

type parameter struct{ key, value placeholder.Text }

func (s Set) queryTests() ([]test, error) {
	var groups [][]parameter // by key
	place := map[string]int{}
	for _, written := range s.Query {
		p, err := written.compile()
		if err != nil {
			return nil, fmt.Errorf("query: %w", err)
		}
		i, known := place[written.Key]
		if !known {
			i = len(groups)
			place[written.Key] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], p)
	}
	if groups == nil {
		return nil, nil
	}
	if _, bare := place[""]; bare && len(groups) == 1 {
		return []test{func(r *http.Request) bool { return r.URL.RawQuery == "" }}, nil
	} else if bare {
		return nil, fmt.Errorf("query: an empty query has no other keys")
	}
	return []test{func(r *http.Request) bool { return allKeys(groups, r) }}, nil
}

func (p Parameter) compile() (c parameter, err error) {
	if p.Key == "" && p.Value != "" {
		return c, fmt.Errorf("=%s has no key", p.Value)
	}
	if c.key, err = placeholder.Compile(p.Key); err != nil {
		return c, err
	}
	c.value, err = placeholder.Compile(p.Value)
	return c, err
}

func allKeys(groups [][]parameter, r *http.Request) bool {
	if !request.IsQuery(r.URL.RawQuery) {
		return false
	}
	for _, alternatives := range groups {
		if !anyPair(alternatives, r) {
			return false
		}
	}
	return true
}

func anyPair(alternatives []parameter, r *http.Request) bool {
	for key, value := range request.Query(r.URL.RawQuery) {
		for _, p := range alternatives {
			if key != p.key.Expand(r) {
				continue
			}
			if wanted := p.value.Expand(r); wanted == "*" || wanted == value {
				return true
			}
		}
	}
	return false
}
