package config

import (
	"slices"
	"strings"

	"dwaar/proxy/dwaarfile"
	"dwaar/proxy/handler"
)

func decodeHeader(l line, s *scope) {
	set, args, ok := l.matcher()
	if !ok {
		return
	}
	var h handler.Header
	isDefer := func(d *dwaarfile.Directive) bool { return d.Name.Text == "defer" }
	if len(args) > 0 {
		l.responseOp(&h, args)
	}
	for _, d := range l.block() {
		switch {
		case isDefer(d) && len(d.Args) == 0 && d.Block == nil:
			h.Deferred = true
		case d.Name.Text == "match":
			l.b.problem(d.Name, "header: match is not supported by dwaar: a matcher of requests stands behind header, and handle_errors answers failures")
		case d.Block != nil:
			l.b.problem(d.Name, "header: %s has no block", d.Name.Text)
		default:
			l.responseOp(&h, append([]dwaarfile.Token{d.Name}, d.Args...))
		}
	}
	if len(args) == 0 && !slices.ContainsFunc(l.block(), func(d *dwaarfile.Directive) bool { return !isDefer(d) }) {
		l.problem(l.Name, "a field is missing")
	}
	if len(h.Ops) > 0 {
		s.add(l, l.Name, set, h)
	}
}

// responseOp appends the operation that args mean: one as of headerOp, or one
// behind >, which defers the directive.
func (l line) responseOp(h *handler.Header, args []dwaarfile.Token) {
	if rest, found := strings.CutPrefix(args[0].Text, ">"); found {
		h.Deferred = true
		args = slices.Clone(args)
		args[0].Text = rest
	}
	h.Ops = l.headerOp(h.Ops, args, func(op handler.HeaderOp) error {
		return handler.Check(handler.Header{Ops: []handler.HeaderOp{op}})
	})
}

func decodeRequestHeader(l line, s *scope) {
	set, args, ok := l.matcher()
	if !ok {
		return
	}
	if len(args) == 0 {
		l.problem(l.Name, "a field is missing")
		return
	}
	ops := l.headerOp(nil, args, func(op handler.HeaderOp) error {
		return handler.Check(handler.RequestHeader{Ops: []handler.HeaderOp{op}})
	})
	if len(ops) > 0 {
		s.add(l, l.Name, set, handler.RequestHeader{Ops: ops})
	}
}

// headerOp appends the operation that args mean, if check finds nothing wrong:
// FIELD VALUE sets, +FIELD adds, -FIELD deletes, ?FIELD is a default, and FIELD
// FIND REPLACE replaces.
func (l line) headerOp(ops []handler.HeaderOp, args []dwaarfile.Token, check func(handler.HeaderOp) error) []handler.HeaderOp {
	field := args[0]
	op := handler.HeaderOp{Op: "set", Field: strings.TrimSuffix(field.Text, ":")}
	if field.Text != "" {
		if prefixed, ok := map[byte]string{'+': "add", '-': "delete", '?': "default", '>': "deferred"}[field.Text[0]]; ok {
			op.Op, op.Field = prefixed, op.Field[1:]
		}
	}
	values := args[1:]
	switch {
	case op.Op == "deferred":
		l.problem(field, "%s: > is not supported by dwaar here: it stands in header", field.Text)
		return ops
	case op.Op == "delete" && len(values) > 0:
		l.problem(values[0], "%s deletes, and takes no value", field.Text)
		return ops
	case op.Op == "set" && len(values) == 2:
		op.Op, op.Find, op.Value = "replace", values[0].Text, values[1].Text
	case op.Op != "delete" && len(values) != 1:
		l.problem(field, "%s: write one value; a value with spaces stands in quotes", field.Text)
		return ops
	case len(values) == 1:
		op.Value = values[0].Text
	}
	if l.refuse(field, check(op)) {
		return ops
	}
	return append(ops, op)
}
