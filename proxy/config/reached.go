package config

import (
	"maps"

	"dwaar/proxy/handler"
)

// takers are routes by what they match.
type takers map[string]route

// forget leaves only the route that takes everything: after a request was
// changed, the others may match what they did not.
func (t takers) forget() {
	maps.DeleteFunc(t, func(when string, _ route) bool { return when != "" })
}

// checkReached refuses routes that no request can reach, because one before
// them takes all of theirs.
func (s *scope) checkReached(b *builder) {
	final, entered := takers{}, map[string]takers{"handle": {}, "rewrite": {}, "root": {}}
	diverted := false // some requests pass all handles behind one that did not answer
	for _, r := range s.routes {
		group := r.group()
		if !b.checkTaken(final, r) && group != "" {
			b.checkTaken(entered[group], r)
		}
		if group != "" {
			entered[group][r.when] = r
		}
		if group != "handle" && changes(r.Directive) {
			for other := range entered {
				if other != group {
					entered[other].forget()
				}
			}
		}
		if !r.all && changes(r.Directive) {
			final.forget()
			diverted = diverted || group == "handle"
		}
		if r.all && !(group == "handle" && diverted) {
			final[r.when] = r
		}
	}
	_, s.all = final[""]
}

// checkTaken reports r if one of takers takes all its requests.
func (b *builder) checkTaken(by takers, r route) (taken bool) {
	before, taken := by[r.when]
	if !taken {
		before, taken = by[""]
	}
	if taken {
		b.problem(r.name, "%s is never reached: %s at %s takes its requests", r.name.Text, before.name.Text, before.name.Pos)
	}
	return taken
}

// group is the directive that r is one of, if a request enters only the first
// of them that it matches.
func (r route) group() string {
	switch r.Directive.(type) {
	case handler.Handle, handler.HandlePath:
		return "handle"
	case handler.Rewrite:
		return "rewrite"
	case handler.Root:
		return "root"
	}
	return ""
}

// answers tells whether no request passes d.
func answers(d handler.Directive) bool {
	switch d := d.(type) {
	case handler.FileServer:
		return !d.PassThru
	case handler.Respond, handler.Redir, handler.ReverseProxy, handler.Error, handler.Abort, handler.Metrics, handler.OCSPResponder, handler.OCSPRelay:
		return true
	}
	return false
}

// changes tells whether a request that passes d may match what it did not
// before.
func changes(d handler.Directive) bool {
	switch d.(type) {
	case handler.Header, handler.Encode, handler.LogSkip:
		return false
	}
	return !answers(d)
}
