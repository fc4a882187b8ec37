package config

import "dwaar/proxy/handler"

func decodeHandle(l line, s *scope) {
	set, args, ok := l.matcher()
	if ok && len(args) > 0 {
		l.problem(args[0], "%q is no matcher: *, a /path or a @name", args[0].Text)
		return
	}
	inner := s.inside()
	inner.read(l.b, l.block(), inHandle)
	if chain := inner.chain(l.b); ok {
		s.route(l, set, handler.Handle{Routes: chain}, inner.routes...)
	}
}

func decodeHandlePath(l line, s *scope) {
	path := l.Args[0].Text
	ok := !l.refuse(l.Args[0], handler.Check(handler.HandlePath{Path: path}))
	inner := s.inside()
	inner.read(l.b, l.block(), inHandle)
	if chain := inner.chain(l.b); ok {
		s.route(l, nil, handler.HandlePath{Path: path, Routes: chain}, inner.routes...)
	}
}
