package config

import (
	"encoding/json"
	"slices"
	"strings"

	"dwaar/proxy/dwaarfile"
	"dwaar/proxy/handler"
	"dwaar/proxy/match"
)

// scope is where directives stand: a site, or a block of directives in it.
type scope struct {
	site     *site
	outer    *scope // nil for a site
	matchers map[string]*definition
	routes   []route
	failures bool // it is a handle_errors
	all      bool // no request passes it; known when its order is
}

// answersFailures tells whether s is in a handle_errors.
func (s *scope) answersFailures() bool {
	for ; s != nil; s = s.outer {
		if s.failures {
			return true
		}
	}
	return false
}

// inside is a scope in s.
func (s *scope) inside() *scope {
	return &scope{site: s.site, outer: s, matchers: map[string]*definition{}}
}

// read decodes the lines of a scope. Matchers come first, wherever they stand.
func (s *scope) read(b *builder, ds []*dwaarfile.Directive, at place) {
	var directives []*dwaarfile.Directive
	for _, d := range ds {
		if strings.HasPrefix(d.Name.Text, "@") && d.Name.Quote == dwaarfile.Bare {
			s.define(b, d)
		} else {
			directives = append(directives, d)
		}
	}
	b.language.site.read(b, directives, at, s)
}

// route is a handler with what its place among others depends on.
type route struct {
	handler.Route
	name dwaarfile.Token
	rank int    // of its directive
	path string // the one path it matches, "" if there is not one
	when string // its matcher, to compare; "" for every request
	all  bool   // no request it matches passes it
}

// route appends a directive. inner is its block, if directives stand in it.
func (s *scope) route(l line, set *match.Set, d handler.Directive, inner ...*scope) {
	r := route{Route: handler.Route{Match: set, Directive: d}, name: l.Name}
	r.all = answers(d) || slices.ContainsFunc(inner, func(block *scope) bool { return block.all })
	r.rank = l.b.language.site.rank(l.Name.Text)
	if d, ok := d.(handler.HandlePath); ok {
		set = &match.Set{Path: match.Path{d.Path}}
	}
	if set != nil {
		r.when = identity(set)
		if len(set.Path) == 1 {
			r.path = set.Path[0]
		}
	}
	s.routes = append(s.routes, r)
	s.site.uses = append(s.site.uses, use{l.Name, d, r.Match})
}

// identity is the same for sets that say the same.
func identity(set *match.Set) string {
	text, err := json.Marshal(set)
	if err != nil {
		panic(err) // a set is data
	}
	return string(text)
}

// rank orders directives by their rows. handle_path is a handle among others.
func (t *table[T]) rank(name string) int {
	if name == "handle_path" {
		name = "handle"
	}
	return slices.IndexFunc(t.rows, func(r row[T]) bool { return r.name == name })
}

// chain sorts the routes of a scope as Caddy does: by directive, then by
// matcher.
func (s *scope) chain(b *builder) handler.Chain {
	slices.SortStableFunc(s.routes, func(a, b route) int { return a.rank - b.rank })
	for rest := s.routes; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].rank == rest[0].rank {
			n++
		}
		sortByMatcher(rest[:n])
		rest = rest[n:]
	}
	return s.asWritten(b)
}

// asWritten keeps the order of the text.
func (s *scope) asWritten(b *builder) handler.Chain {
	s.checkReached(b)
	chain := make(handler.Chain, len(s.routes))
	for i, r := range s.routes {
		chain[i] = r.Route
	}
	return chain
}

// sortByMatcher orders the routes of one directive: those with a matcher before
// those without one, and the longer path first. Only single paths can be
// compared: no route moves past one whose matcher is something else. Variables
// go the other way round, so that the most specific has the last word.
func sortByMatcher(routes []route) {
	specific, vars := moreSpecific, routes[0].name.Text == "vars"
	general := func(r route) int {
		if (r.when == "") != vars {
			return 1
		}
		return 0
	}
	if vars {
		specific = func(a, b route) int { return moreSpecific(b, a) }
	}
	slices.SortStableFunc(routes, func(a, b route) int { return general(a) - general(b) })
	for len(routes) > 0 {
		n := slices.IndexFunc(routes, func(r route) bool { return r.path == "" })
		if n < 0 {
			n = len(routes)
		}
		slices.SortStableFunc(routes[:n], specific)
		routes = routes[min(n+1, len(routes)):]
	}
}

// moreSpecific is negative if requests for the path of a should be looked at
// before those for that of b.
func moreSpecific(a, b route) int {
	bareA, bareB := strings.TrimSuffix(a.path, "*"), strings.TrimSuffix(b.path, "*")
	switch {
	case bareA == bareB:
		return len(a.path) - len(b.path)
	case len(bareA) == len(bareB):
		return strings.Compare(bareA, bareB)
	}
	return len(bareB) - len(bareA)
}
