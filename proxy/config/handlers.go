package config

import (
	"strconv"

	"dwaar/proxy/dwaarfile"
	"dwaar/proxy/handler"
	"dwaar/proxy/match"
)

// add puts a directive among the routes, after its own package has checked it;
// at is where its problems are likely to be.
func (s *scope) add(l line, at dwaarfile.Token, set *match.Set, d handler.Directive) {
	if !l.refuse(at, handler.Check(d)) {
		s.route(l, set, d)
	}
}

func decodeRespond(l line, s *scope) {
	set, args, ok := l.matcher()
	if !ok {
		return
	}
	var r handler.Respond
	at := l.Name
	if len(args) > 0 {
		at, r.Body = args[0], args[0].Text
	}
	switch {
	case len(args) == 1 && isStatus(r.Body):
		r.Body = ""
		r.Status, ok = l.status(args[0], 200)
	case len(args) == 2:
		r.Status, ok = l.status(args[1], 200)
	case len(args) > 2:
		l.problem(args[2], "%q is one word too many: a text with spaces stands in quotes", args[2].Text)
		return
	}
	if !ok {
		return
	}
	l.b.language.respond.read(l.b, l.block(), 0, &r)
	s.add(l, at, set, r)
}

func isStatus(text string) bool {
	_, err := strconv.ParseUint(text, 10, 32)
	return err == nil && len(text) == 3
}

// status is an argument from least to 599, or in handle_errors the status of the
// failure, which is zero.
func (l line) status(tok dwaarfile.Token, least int) (int, bool) {
	if l.scope.answersFailures() && (tok.Text == "{err.status_code}" || tok.Text == "{http.error.status_code}") {
		return 0, true
	}
	n, err := strconv.Atoi(tok.Text)
	if err != nil || n < least || n > 599 {
		l.problem(tok, "%q is not a status from %d to 599", tok.Text, least)
		return 0, false
	}
	return n, true
}

func decodeBody(l line, r *handler.Respond) {
	if r.Body != "" {
		l.problem(l.Name, "the text is an argument of respond already")
	}
	r.Body = l.Args[0].Text
}

func decodeRedir(l line, s *scope) {
	set, args, ok := l.matcher()
	switch {
	case !ok:
		return
	case len(args) == 0 && set != nil:
		l.problem(l.Args[0], "a target is missing: %s is taken for the path to match; write redir * %[1]s", l.Args[0].Text)
		return
	case len(args) == 0 || args[0].Text == "":
		l.problem(l.Name, "a target is missing")
		return
	case len(args) > 2:
		l.problem(args[2], "%q is one word too many", args[2].Text)
		return
	}
	d := handler.Redir{To: args[0].Text}
	if len(args) == 2 {
		d.Code = args[1].Text
	}
	s.add(l, args[len(args)-1], set, d)
}
