package handler

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"

	"dwaar/proxy/placeholder"
)

// QueryOp is one change to the parameters of a query.
type QueryOp struct {
	// Op is "rename" (to Value), "set" (one value), "add" (one value more),
	// "replace" (Find by Value in every value) or "delete".
	Op string `json:"op"`
	// Key is the name of a parameter; for replace, "*" means all.
	Key string `json:"key"`
	// Value may hold placeholders, as Key may.
	Value string `json:"value,omitempty"`
	// Find is a regular expression (RE2); Value may use its groups as $1.
	Find string `json:"find,omitempty"`
}

// queryOps are the operations in the order in which they are made, Caddy's.
var queryOps = []string{"rename", "set", "add", "replace", "delete"}

// queryOp is a compiled QueryOp.
type queryOp struct {
	op         string
	key, value placeholder.Text
	find       *regexp.Regexp
}

func (c URI) query() (uriChange, error) {
	if len(c.Query) == 0 {
		return nil, nil
	}
	ops := make([]queryOp, len(c.Query))
	var problems []error
	for i, op := range c.Query {
		var err error
		if ops[i], err = op.compile(); err != nil {
			problems = append(problems, err)
		}
	}
	slices.SortStableFunc(ops, func(a, b queryOp) int {
		return slices.Index(queryOps, a.op) - slices.Index(queryOps, b.op)
	})
	return func(u *url.URL, r *http.Request) {
		values := u.Query()
		for i := range ops {
			ops[i].apply(values, r)
		}
		u.RawQuery = values.Encode()
	}, errors.Join(problems...)
}

func (o QueryOp) compile() (queryOp, error) {
	c := queryOp{op: o.Op}
	if !slices.Contains(queryOps, o.Op) {
		return c, fmt.Errorf("unknown query operation %q", o.Op)
	}
	if o.Key == "" || o.Op == "rename" && o.Value == "" {
		return c, errors.New("query: a parameter without a name")
	}
	var err error
	if c.key, err = placeholder.Compile(o.Key); err != nil {
		return c, err
	}
	if c.value, err = placeholder.Compile(o.Value); err != nil {
		return c, err
	}
	if o.Op == "replace" {
		if c.find, err = regexp.Compile(o.Find); err != nil {
			return c, fmt.Errorf("query: replacing in %s: %w", o.Key, err)
		}
	}
	return c, nil
}

// apply changes values. A key that is empty for this request means none.
func (o *queryOp) apply(values url.Values, r *http.Request) {
	key, value := o.key.Expand(r), o.value.Expand(r)
	if key == "" {
		return
	}
	switch o.op {
	case "rename":
		if old, there := values[key]; there && value != "" && value != key {
			values[value] = old
			delete(values, key)
		}
	case "set":
		values[key] = []string{value}
	case "add":
		values[key] = append(values[key], value)
	case "delete":
		delete(values, key)
	case "replace":
		for name, list := range values {
			if key != "*" && key != name {
				continue
			}
			for i := range list {
				list[i] = o.find.ReplaceAllString(list[i], value)
			}
		}
	}
}
