package handler

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"dwaar/proxy/placeholder"
)

// HeaderOp is one change to a header field.
type HeaderOp struct {
	// Op is "set" (replace all values), "add" (one value more), "delete",
	// "replace" (Find by Value in every value), or "default" (set unless
	// the field is there; responses only).
	Op string `json:"op"`
	// Field is the field's name; for delete it may start or end with "*", or
	// both, and then means every field so named.
	Field string `json:"field"`
	// Value may hold placeholders.
	Value string `json:"value,omitempty"`
	// Find is a regular expression (RE2); Value may use its groups as $1.
	Find string `json:"find,omitempty"`
}

// headerOp is a compiled HeaderOp.
type headerOp struct {
	op    string
	field string // canonical
	value placeholder.Text
	find  *regexp.Regexp
	named func(field string) bool // deletes by wildcard
}

// compileOps checks ops and reports all problems. refuse says why a field may
// not be changed, or nil.
func compileOps(ops []HeaderOp, refuse func(HeaderOp, string) error) ([]headerOp, error) {
	if len(ops) == 0 {
		return nil, errors.New("nothing to do")
	}
	compiled := make([]headerOp, len(ops))
	var problems []error
	for i, op := range ops {
		var err error
		compiled[i], err = op.compile()
		if err == nil {
			err = refuse(op, compiled[i].field)
		}
		if err != nil {
			problems = append(problems, err)
		}
	}
	return compiled, errors.Join(problems...)
}

func (o HeaderOp) compile() (headerOp, error) {
	if o.Op == "delete" && strings.Contains(o.Field, "*") {
		return o.compileWildcard()
	}
	if !httpguts.ValidHeaderFieldName(o.Field) || strings.Contains(o.Field, "*") {
		return headerOp{}, fmt.Errorf("%q is not a header field name", o.Field)
	}
	c := headerOp{op: o.Op, field: http.CanonicalHeaderKey(o.Field)}
	var err error
	switch o.Op {
	case "set", "add", "default", "delete":
		if o.Find != "" {
			return headerOp{}, fmt.Errorf("%s %s: find is for replace only", o.Op, o.Field)
		}
	case "replace":
		if c.find, err = regexp.Compile(o.Find); err != nil {
			return headerOp{}, fmt.Errorf("replacing in %s: %w", o.Field, err)
		}
	default:
		return headerOp{}, fmt.Errorf("unknown header operation %q", o.Op)
	}
	if o.Op == "delete" && o.Value != "" {
		return headerOp{}, fmt.Errorf("deleting %s: takes no value", o.Field)
	}
	if c.value, err = placeholder.Compile(o.Value); err != nil {
		return headerOp{}, fmt.Errorf("%s: %w", o.Field, err)
	}
	return c, nil
}

func (o HeaderOp) compileWildcard() (headerOp, error) {
	prefix, suffix := strings.HasSuffix(o.Field, "*"), strings.HasPrefix(o.Field, "*")
	part := strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(o.Field, "*"), "*"))
	if !httpguts.ValidHeaderFieldName(part) || strings.Contains(part, "*") {
		return headerOp{}, fmt.Errorf("deleting %q: give a name with * at its start, its end or both", o.Field)
	}
	match := strings.HasSuffix
	switch {
	case prefix && suffix:
		match = strings.Contains
	case prefix:
		match = strings.HasPrefix
	}
	return headerOp{op: "delete", named: func(field string) bool {
		return match(strings.ToLower(field), part)
	}}, nil
}

// apply changes h, with r's values in the placeholders.
func (o *headerOp) apply(h http.Header, r *http.Request) {
	switch o.op {
	case "set":
		h[o.field] = []string{fieldValue(o.value.Expand(r))}
	case "add":
		old := h[o.field] // which may be shared
		h[o.field] = append(old[:len(old):len(old)], fieldValue(o.value.Expand(r)))
	case "default":
		if len(h[o.field]) == 0 {
			h[o.field] = []string{fieldValue(o.value.Expand(r))}
		}
	case "replace":
		values := slices.Clone(h[o.field])
		for i, old := range values {
			values[i] = fieldValue(o.find.ReplaceAllString(old, o.value.Expand(r)))
		}
		if len(values) > 0 {
			h[o.field] = values
		}
	case "delete":
		o.remove(h)
	}
}

func (o *headerOp) remove(h http.Header) {
	if o.named == nil {
		delete(h, o.field)
		return
	}
	for field := range h {
		if o.named(field) && !isFraming(field) {
			delete(h, field)
		}
	}
}

// fieldValue makes a field value of what a placeholder may have brought in:
// RFC 9110 §5.5 allows neither CR, LF nor NUL, and a line break would start
// another field.
func fieldValue(s string) string {
	if httpguts.ValidHeaderFieldValue(s) {
		return s
	}
	return strings.Map(func(c rune) rune {
		if c < ' ' && c != '\t' || c == 0x7f {
			return ' '
		}
		return c
	}, s)
}

// framing are the fields that say where a message ends and what the
// connection does; the server sets them.
var framing = []string{"Content-Length", "Transfer-Encoding", "Trailer", "Connection", "Keep-Alive", "Proxy-Connection", "Te", "Upgrade"}

func isFraming(field string) bool { return slices.Contains(framing, field) }
