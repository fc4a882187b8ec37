package config

import (
	"strings"

	"dwaar/proxy/dwaarfile"
	"dwaar/proxy/handler"
	"dwaar/proxy/match"
)

func decodeRewrite(l line, s *scope) {
	set, args, ok := l.matcherBefore(1)
	if ok {
		s.add(l, args[0], set, handler.Rewrite{To: args[0].Text})
	}
}

func decodeMethod(l line, s *scope) {
	set, args, ok := l.matcherBefore(1)
	if ok {
		s.add(l, args[0], set, handler.Method{Method: args[0].Text})
	}
}

// matcherBefore takes a matcher off the arguments of a line that has n more,
// which may look like one.
func (l line) matcherBefore(n int) (set *match.Set, args []dwaarfile.Token, ok bool) {
	if len(l.Args) == n {
		return nil, l.Args, true
	}
	set, args, ok = l.matcher()
	if ok && len(args) > n {
		l.problem(args[n], "%q is one word too many, or %q is no matcher", args[n].Text, l.Args[0].Text)
		return nil, nil, false
	}
	return set, args, ok
}

func decodeURI(l line, s *scope) {
	set, args, ok := l.matcher()
	if !ok {
		return
	}
	if len(args) == 0 {
		l.problem(l.Name, "what to do is missing: %s", uriOperations)
		return
	}
	what, args := args[0], args[1:]
	if l.Block != nil && what.Text != "query" {
		l.problem(what, "%s has no block", what.Text)
		return
	}
	var d handler.URI
	switch what.Text {
	case "strip_prefix", "strip_suffix":
		ok = l.takes(what, args, 1, 1, "TEXT")
	case "replace":
		ok = l.takes(what, args, 2, 3, "FIND REPLACE [LIMIT]")
	case "path_regexp":
		ok = l.takes(what, args, 2, 2, "EXPRESSION REPLACE")
	case "query":
		d.Query, ok = l.queryOps(what, args)
	default:
		l.problem(what, "%q is not %s", what.Text, uriOperations)
		return
	}
	if !ok {
		return
	}
	switch what.Text {
	case "strip_prefix":
		d.StripPrefix = args[0].Text
	case "strip_suffix":
		d.StripSuffix = args[0].Text
	case "replace":
		d.Replace = &handler.Replacement{Find: args[0].Text, Replace: args[1].Text}
		if len(args) == 3 {
			d.Replace.Limit = l.number(args[2], 1, 1<<20)
		}
	case "path_regexp":
		d.PathRegexp = &handler.Replacement{Find: args[0].Text, Replace: args[1].Text}
	}
	s.add(l, what, set, d)
}

const uriOperations = "strip_prefix, strip_suffix, replace, path_regexp or query"

// takes reports an operation with the wrong number of arguments.
func (l line) takes(what dwaarfile.Token, args []dwaarfile.Token, least, most int, usage string) bool {
	if len(args) < least || len(args) > most {
		l.problem(what, "write %s %s", what.Text, usage)
		return false
	}
	return true
}

// queryOps are the operations of a line or of its block.
func (l line) queryOps(what dwaarfile.Token, args []dwaarfile.Token) (ops []handler.QueryOp, ok bool) {
	switch {
	case l.Block == nil && len(args) == 0:
		l.problem(what, "what to change is missing, as in query -NAME")
		return nil, false
	case l.Block == nil:
		return l.queryOp(nil, args)
	case len(args) > 0:
		l.problem(args[0], "the operations stand in the line or in the block, not in both")
		return nil, false
	case len(l.block()) == 0:
		l.problem(what, "what to change is missing")
		return nil, false
	}
	ok = true
	for _, d := range l.block() {
		var fine bool
		if d.Block != nil {
			l.problem(d.Name, "%s has no block", d.Name.Text)
			ok = false
			continue
		}
		if ops, fine = l.queryOp(ops, append([]dwaarfile.Token{d.Name}, d.Args...)); !fine {
			ok = false
		}
	}
	return ops, ok
}

// queryOp appends the operation that args mean: KEY VALUE sets, +KEY VALUE
// adds, -KEY deletes, KEY>NEW renames and KEY EXPRESSION REPLACE replaces.
func (l line) queryOp(ops []handler.QueryOp, args []dwaarfile.Token) ([]handler.QueryOp, bool) {
	key, values := args[0], args[1:]
	op, want := handler.QueryOp{Op: "set", Key: key.Text}, 1
	from, to, renames := strings.Cut(key.Text, ">")
	switch {
	case strings.HasPrefix(key.Text, "-"):
		op, want = handler.QueryOp{Op: "delete", Key: key.Text[1:]}, 0
	case strings.HasPrefix(key.Text, "+"):
		op.Op, op.Key = "add", key.Text[1:]
	case renames:
		op, want = handler.QueryOp{Op: "rename", Key: from, Value: to}, 0
	case len(values) == 2:
		op.Op, op.Find, op.Value, want = "replace", values[0].Text, values[1].Text, 2
	}
	if len(values) != want {
		l.problem(key, "query: write KEY VALUE, +KEY VALUE, -KEY, KEY>NEW or KEY EXPRESSION REPLACE")
		return ops, false
	}
	if want == 1 {
		op.Value = values[0].Text
	}
	if l.refuse(key, handler.Check(handler.URI{Query: []handler.QueryOp{op}})) {
		return ops, false
	}
	return append(ops, op), true
}
