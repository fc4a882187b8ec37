package config

import "dwaar/proxy/handler"

// nest reads a block of directives for the requests of one matcher, in the
// order that chain gives them.
func (l line) nest(s *scope, chain func(*scope, *builder) handler.Chain, directive func(handler.Chain) handler.Directive) {
	set, args, ok := l.matcher()
	if ok && len(args) > 0 {
		l.problem(args[0], "%q is no matcher: *, a /path or a @name", args[0].Text)
		return
	}
	inner := s.inside()
	inner.read(l.b, l.block(), inHandle)
	if routes := chain(inner, l.b); ok {
		s.route(l, set, directive(routes), inner)
	}
}

func decodeHandle(l line, s *scope) {
	l.nest(s, (*scope).chain, func(routes handler.Chain) handler.Directive { return handler.Handle{Routes: routes} })
}

func decodeRoute(l line, s *scope) {
	l.nest(s, (*scope).asWritten, func(routes handler.Chain) handler.Directive { return handler.RouteBlock{Routes: routes} })
}

func decodeHandlePath(l line, s *scope) {
	path := l.Args[0].Text
	ok := !l.refuse(l.Args[0], handler.Check(handler.HandlePath{Path: path}))
	inner := s.inside()
	inner.read(l.b, l.block(), inHandle)
	if chain := inner.chain(l.b); ok {
		s.route(l, nil, handler.HandlePath{Path: path, Routes: chain}, inner)
	}
}
