package config

import "dwaar/proxy/handler"

func requestBodyOptions() table[*handler.RequestBody] {
	return table[*handler.RequestBody]{of: "request_body", noun: "option", rows: []row[*handler.RequestBody]{
		{name: "max_size", usage: "SIZE", doc: "how large a body may be",
			decode: func(l line, c *handler.RequestBody) { c.MaxSize = l.size(l.Args[0], 1, 1<<50) }},
		{name: "read_timeout", usage: "DURATION", doc: "how long a body may take to arrive",
			decode: func(l line, c *handler.RequestBody) { c.ReadTimeout = l.period(l.Args[0]) }},
		{name: "write_timeout", usage: "DURATION", doc: "how long the response may take to be sent",
			decode: func(l line, c *handler.RequestBody) { c.WriteTimeout = l.period(l.Args[0]) }},
		{name: "set"},
	}}
}

func decodeRequestBody(l line, s *scope) {
	set, args, ok := l.matcher()
	switch {
	case !ok:
		return
	case len(args) > 0:
		l.problem(args[0], "%q is no matcher", args[0].Text)
		return
	case len(l.block()) == 0:
		l.problem(l.Name, "an option is missing, like max_size 10MB")
		return
	}
	var c handler.RequestBody
	l.b.language.requestBody.read(l.b, l.block(), 0, &c)
	if c != (handler.RequestBody{}) { // else all of it was refused
		s.add(l, l.Name, set, c)
	}
}
