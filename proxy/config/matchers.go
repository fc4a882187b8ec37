package config

import (
	"maps"
	"slices"
	"strings"

	"dwaar/proxy/dwaarfile"
	"dwaar/proxy/match"
	"dwaar/proxy/spelling"
)

// definition is a named matcher: what stands between @name and its end.
type definition struct {
	name dwaarfile.Token
	set  match.Set
	bad  bool // it is refused already
}

// define reads a named matcher into the scope it stands in. It is known there,
// in all that is nested in it, and nowhere else; a name is given only once.
func (s *scope) define(b *builder, d *dwaarfile.Directive) {
	def := &definition{name: d.Name}
	first := s.matcher(d.Name.Text)
	switch {
	case d.Name.Text == "@":
		b.problem(d.Name, "a matcher needs a name behind its @")
		return
	case first != nil:
		b.problem(d.Name, "the matcher %s stands at %s already", d.Name.Text, first.name.Pos)
		return
	}
	s.matchers[d.Name.Text] = def
	b.matchers = append(b.matchers, d.Name)
	before := len(b.problems)
	def.read(b, d)
	def.bad = len(b.problems) > before
	s.site.capture(def.set)
}

// read fills def from one line or from a block.
func (def *definition) read(b *builder, d *dwaarfile.Directive) {
	kinds := b.language.matcher
	kinds.of = def.name.Text
	switch {
	case len(d.Args) == 0 && (d.Block == nil || len(d.Block.Directives) == 0):
		b.problem(d.Name, "%s: a matcher is missing, like path /api/*", d.Name.Text)
	case len(d.Args) == 0:
		kinds.read(b, d.Block.Directives, 0, def)
	case d.Args[0].Quote != dwaarfile.Bare:
		b.problem(d.Args[0], "%s: expressions are not supported by dwaar: write path, header, not and the other matchers in a block", def.name.Text)
	default:
		only := &dwaarfile.Directive{Name: d.Args[0], Args: d.Args[1:], Block: d.Block}
		kinds.read(b, []*dwaarfile.Directive{only}, 0, def)
	}
}

// matcher finds a definition by its name, @ included, in s or around it.
func (s *scope) matcher(name string) *definition {
	for ; s != nil; s = s.outer {
		if def := s.matchers[name]; def != nil {
			return def
		}
	}
	return nil
}

// matcher takes the matcher token off the arguments of a line, if there is one:
// *, /path or @name. ok is false if it was refused.
func (l line) matcher() (set *match.Set, args []dwaarfile.Token, ok bool) {
	if len(l.Args) == 0 {
		return nil, nil, true
	}
	first := l.Args[0]
	switch {
	case first.Quote != dwaarfile.Bare:
		return nil, l.Args, true
	case first.Text == "*":
		return nil, l.Args[1:], true
	case strings.HasPrefix(first.Text, "/"):
		set := &match.Set{Path: match.Path{first.Text}}
		_, err := set.Compile()
		return set, l.Args[1:], !l.refuse(first, err)
	case strings.HasPrefix(first.Text, "@"):
		set, ok := l.named(first)
		return set, l.Args[1:], ok
	}
	return nil, l.Args, true
}

// named is the set of a matcher that is used by its name.
func (l line) named(tok dwaarfile.Token) (*match.Set, bool) {
	def := l.scope.matcher(tok.Text)
	if def == nil {
		l.problem(tok, "the matcher %s is not defined here%s", tok.Text, l.scope.meant(tok.Text))
		return nil, false
	}
	l.b.used[def.name.Pos] = true
	return &def.set, !def.bad
}

// meant is a hint at a definition with a similar name.
func (s *scope) meant(name string) string {
	var names []string
	for at := s; at != nil; at = at.outer {
		names = slices.AppendSeq(names, maps.Keys(at.matchers))
	}
	slices.Sort(names)
	if close := spelling.Closest(name, names); close != "" {
		return ": did you mean " + close + "?"
	}
	return ""
}

// checkMatchers warns of definitions that no directive uses. One that stands in
// a snippet is used if one of the sites that import it does.
func (b *builder) checkMatchers() {
	for _, name := range b.matchers {
		if !b.used[name.Pos] {
			b.used[name.Pos] = true // once is enough
			b.warn(name, "the matcher %s is never used", name.Text)
		}
	}
}
