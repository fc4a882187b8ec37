package config

import (
	"strings"

	"dwaar/proxy/dwaarfile"
	"dwaar/proxy/handler"
)

func decodeHeader(l line, s *scope) {
	set, args, ok := l.matcher()
	if !ok {
		return
	}
	var ops []handler.HeaderOp
	check := func(op handler.HeaderOp) error { return handler.Check(handler.Header{Ops: []handler.HeaderOp{op}}) }
	if len(args) > 0 {
		ops = l.headerOp(ops, args, check)
	}
	for _, d := range l.block() {
		if d.Name.Text == "defer" {
			l.b.problem(d.Name, "header: defer is not supported by dwaar: response headers are always changed last, when they are sent")
			continue
		}
		if d.Block != nil {
			l.b.problem(d.Name, "header: %s has no block", d.Name.Text)
			continue
		}
		ops = l.headerOp(ops, append([]dwaarfile.Token{d.Name}, d.Args...), check)
	}
	if len(args) == 0 && len(l.block()) == 0 {
		l.problem(l.Name, "a field is missing")
	}
	if len(ops) > 0 {
		s.add(l, l.Name, set, handler.Header{Ops: ops})
	}
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
		l.problem(field, "%s: > is not supported by dwaar: response headers are always changed last, when they are sent", field.Text)
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
