package config

import (
	"slices"
	"strings"

	"dwaar/proxy/dwaarfile"
	"dwaar/proxy/handler"
	"dwaar/proxy/match"
)

// scope is where directives stand: a site, or a handle in it.
type scope struct {
	site   *site
	routes []route
}

// route is a handler with what its place among others depends on.
type route struct {
	handler.Route
	name dwaarfile.Token
	rank int    // of its directive
	path string // the one it matches, "" for every path
	all  bool   // no request it matches passes it
}

// route appends a directive. inner is what stands in its block, if that are
// directives too.
func (s *scope) route(l line, set *match.Set, d handler.Directive, inner ...route) {
	r := route{Route: handler.Route{Match: set, Directive: d}, name: l.Name}
	r.all = answers(d) || slices.ContainsFunc(inner, func(r route) bool { return r.all && r.path == "" })
	r.rank = l.b.language.site.rank(l.Name.Text)
	switch d := d.(type) {
	case handler.HandlePath:
		r.path = d.Path
	default:
		if set != nil {
			r.path = set.Path[0]
		}
	}
	s.routes = append(s.routes, r)
}

// rank orders directives by their rows. handle_path is a handle among others.
func (t *table[T]) rank(name string) int {
	if name == "handle_path" {
		name = "handle"
	}
	return slices.IndexFunc(t.rows, func(r row[T]) bool { return r.name == name })
}

// chain sorts the routes of a scope as Caddy does: by directive; for the same
// one the longer path first, a path before none, and else as written.
func (s *scope) chain(b *builder) handler.Chain {
	slices.SortStableFunc(s.routes, func(a, b route) int {
		if a.rank != b.rank {
			return a.rank - b.rank
		}
		return moreSpecific(a.path, b.path)
	})
	s.checkReached(b)
	chain := make(handler.Chain, len(s.routes))
	for i, r := range s.routes {
		chain[i] = r.Route
	}
	return chain
}

// moreSpecific is negative if requests for path a should be looked at before
// those for path b.
func moreSpecific(a, b string) int {
	if a == "" || b == "" {
		return len(b) - len(a)
	}
	bareA, bareB := strings.TrimSuffix(a, "*"), strings.TrimSuffix(b, "*")
	switch {
	case bareA == bareB:
		return len(a) - len(b)
	case len(bareA) == len(bareB):
		return strings.Compare(bareA, bareB)
	}
	return len(bareB) - len(bareA)
}

// checkReached refuses routes that no request can reach, because one before
// them takes all of theirs.
func (s *scope) checkReached(b *builder) {
	final, handles := map[string]route{}, map[string]route{} // by path
	for _, r := range s.routes {
		if !b.checkTaken(final, r) && r.isHandle() {
			b.checkTaken(handles, r)
		}
		if r.isHandle() {
			handles[r.path] = r
		}
		if r.all {
			final[r.path] = r
		}
	}
}

// checkTaken reports r if one of takers, by their paths, takes all its requests.
func (b *builder) checkTaken(takers map[string]route, r route) (taken bool) {
	before, taken := takers[r.path]
	if !taken {
		before, taken = takers[""]
	}
	if taken {
		b.problem(r.name, "%s is never reached: %s at %s takes its requests", r.name.Text, before.name.Text, before.name.Pos)
	}
	return taken
}

// isHandle tells whether r excludes the handles after it.
func (r route) isHandle() bool {
	switch r.Directive.(type) {
	case handler.Handle, handler.HandlePath:
		return true
	}
	return false
}

// answers tells whether no request passes d.
func answers(d handler.Directive) bool {
	switch d.(type) {
	case handler.Respond, handler.Redir, handler.ReverseProxy:
		return true
	}
	return false
}

func decodeHandle(l line, s *scope) {
	set, args, ok := l.matcher()
	if ok && len(args) > 0 {
		l.problem(args[0], "%q is no matcher: * or a /path", args[0].Text)
		return
	}
	inner := &scope{site: s.site}
	l.b.language.site.read(l.b, l.block(), inHandle, inner)
	if ok {
		s.route(l, set, handler.Handle{Routes: inner.chain(l.b)}, inner.routes...)
	}
}

func decodeHandlePath(l line, s *scope) {
	path := l.Args[0].Text
	ok := !l.refuse(l.Args[0], handler.Check(handler.HandlePath{Path: path}))
	inner := &scope{site: s.site}
	l.b.language.site.read(l.b, l.block(), inHandle, inner)
	if ok {
		s.route(l, nil, handler.HandlePath{Path: path, Routes: inner.chain(l.b)}, inner.routes...)
	}
}
