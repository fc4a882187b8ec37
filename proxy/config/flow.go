package config

import (
	"dwaar/proxy/dwaarfile"
	"dwaar/proxy/handler"
)

// decodeHandleErrors reads one of the blocks that answer failures: those with
// statuses, and one for the rest.
func decodeHandleErrors(l line, s *scope) {
	statuses := l.Args
	if len(statuses) == 0 {
		statuses = []dwaarfile.Token{{}}
	}
	e := handler.ErrorRoutes{}
	for _, tok := range statuses {
		if first, twice := s.site.answered[tok.Text]; twice {
			l.problem(l.Name, "%s at %s answers %s already", first.Text, first.Pos, orAll(tok.Text))
			continue
		}
		s.site.answered[tok.Text] = l.Name
		if tok.Text != "" && !l.refuse(tok, handler.Check(handler.HandleErrors{{Status: []string{tok.Text}}})) {
			e.Status = append(e.Status, tok.Text)
		}
	}
	inner := s.inside()
	inner.failures = true
	inner.read(l.b, l.block(), inHandle)
	e.Routes = inner.chain(l.b)
	s.site.errors = append(s.site.errors, e)
}

func orAll(status string) string {
	if status == "" {
		return "all failures"
	}
	return status
}

// handlers are the routes of a site, those for failures around them.
func (s *site) handlers(b *builder) handler.Chain {
	chain := s.chain(b)
	if len(s.errors) > 0 {
		chain = append(handler.Chain{{Directive: s.errors}}, chain...)
	}
	if err := chain.CheckSize(); err != nil && len(s.addresses) > 0 {
		b.problem(s.addresses[0].tok, "the site is too large: %v", err)
	}
	return chain
}

func decodeError(l line, s *scope) {
	set, args, ok := l.matcher()
	if !ok {
		return
	}
	var e handler.Error
	at := l.Name
	switch {
	case len(args) == 1 && isStatus(args[0].Text):
		e.Status, ok = l.status(args[0], 400)
	case len(args) == 1:
		at, e.Message = args[0], args[0].Text
	case len(args) == 2:
		at, e.Message = args[0], args[0].Text
		e.Status, ok = l.status(args[1], 400)
	case len(args) > 2:
		l.problem(args[2], "%q is one word too many: a text with spaces stands in quotes", args[2].Text)
		return
	}
	l.b.language.failure.read(l.b, l.block(), 0, &e)
	if ok {
		s.add(l, at, set, e)
	}
}

func decodeMessage(l line, e *handler.Error) {
	if e.Message != "" {
		l.problem(l.Name, "the text is an argument of error already")
	}
	e.Message = l.Args[0].Text
}

func decodeAbort(l line, s *scope) { l.matched(s, handler.Abort{}) }

func decodeMetrics(l line, s *scope) { l.matched(s, handler.Metrics{}) }

func decodeLogSkip(l line, s *scope) { l.matched(s, handler.LogSkip{}) }

// matched adds a directive that has a matcher and nothing else.
func (l line) matched(s *scope, d handler.Directive) {
	set, args, ok := l.matcher()
	switch {
	case ok && len(args) > 0:
		l.problem(args[0], "%q is no matcher: *, a /path or a @name", args[0].Text)
	case ok:
		s.add(l, l.Name, set, d)
	}
}

// decodeVars reads NAME VALUE, and more of them in a block.
func decodeVars(l line, s *scope) {
	set, args, ok := l.matcher()
	if !ok {
		return
	}
	var vars handler.Vars
	give := func(name, value dwaarfile.Token) {
		a := handler.Assignment{Name: name.Text, Value: value.Text}
		if !l.refuse(name, handler.Check(handler.Vars{Set: []handler.Assignment{a}})) {
			vars.Set = append(vars.Set, a)
		}
	}
	switch {
	case len(args) == 2:
		give(args[0], args[1])
	case len(args) > 0:
		l.problem(args[0], "write a name and one value; a value with spaces stands in quotes")
	case len(l.block()) == 0:
		l.problem(l.Name, "a variable is missing, like vars color blue")
	}
	for _, d := range l.block() {
		if len(d.Args) != 1 || d.Block != nil {
			l.problem(d.Name, "write a name and one value; a value with spaces stands in quotes")
			continue
		}
		give(d.Name, d.Args[0])
	}
	if len(vars.Set) > 0 {
		s.route(l, set, vars)
	}
}
