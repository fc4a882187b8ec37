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
	final, handles := takers{}, takers{}
	diverted := false // some requests pass all handles behind one that did not answer
	for _, r := range s.routes {
		if !b.checkTaken(final, r) && r.isHandle() {
			b.checkTaken(handles, r)
		}
		switch {
		case r.isHandle():
			handles[r.when] = r
			if !r.all {
				final.forget()
				diverted = true
			}
		case changes(r.Directive):
			final.forget()
			handles.forget()
		}
		if r.all && !(r.isHandle() && diverted) {
			final[r.when] = r
		}
	}
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
	switch d := d.(type) {
	case handler.FileServer:
		return !d.PassThru
	case handler.Respond, handler.Redir, handler.ReverseProxy, handler.Error, handler.Abort:
		return true
	}
	return false
}

// changes tells whether a request that passes d may match what it did not
// before.
func changes(d handler.Directive) bool {
	switch d.(type) {
	case handler.Header, handler.Encode:
		return false
	}
	return !answers(d)
}
