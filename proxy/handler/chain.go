package handler

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"dwaar/proxy/match"
)

// Chain is a list of routes that a request passes in order, until one
// answers. The handle and handle_path routes of one chain exclude each other:
// after the first of them that matches, the others are passed over.
type Chain []Route

// Route is a directive and the requests it is for.
type Route struct {
	// Match restricts the route; nil means every request.
	Match *match.Set
	// Directive is what is done.
	Directive Directive
}

// MarshalJSON writes {"match": …, "<directive>": …}.
func (r Route) MarshalJSON() ([]byte, error) {
	if r.Directive == nil {
		return nil, errors.New("route without directive")
	}
	fields := map[string]any{r.Directive.Name(): r.Directive}
	if r.Match != nil {
		fields["match"] = r.Match
	}
	return json.Marshal(fields)
}

// excluding is a directive of which a chain enters only one.
type excluding interface {
	// wants is the matcher of a route that has none, or nil.
	wants() *match.Set
}

// link is a compiled route.
type link struct {
	matcher   *match.Matcher // nil: every request
	apply     Middleware
	exclusive bool
}

// Compile checks every route and reports all of their problems.
func (c Chain) Compile(env *Env) (Middleware, error) {
	links := make([]link, len(c))
	var problems []error
	for i, route := range c {
		var err error
		if links[i], err = route.compile(env); err != nil {
			problems = append(problems, err)
		}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return func(next http.Handler) http.Handler { return weave(links, next) }, nil
}

func (r Route) compile(env *Env) (link, error) {
	if r.Directive == nil {
		return link{}, errors.New("route without directive")
	}
	var l link
	wanted := r.Match
	if d, ok := r.Directive.(excluding); ok {
		l.exclusive = true
		if wanted == nil {
			wanted = d.wants()
		}
	}
	var err error
	if l.apply, err = r.Directive.Compile(env); err != nil {
		return link{}, err
	}
	if wanted != nil {
		if l.matcher, err = wanted.Compile(); err != nil {
			return link{}, fmt.Errorf("%s: %w", r.Directive.Name(), err)
		}
	}
	return l, nil
}

// weave joins links from the last to the first. It keeps two tails: the one
// to go on with, and the same without the exclusive links, which is where an
// exclusive link that did not answer goes on.
func weave(links []link, next http.Handler) http.Handler {
	tail, handled := next, next
	split := false // whether the two differ
	for i := len(links) - 1; i >= 0; i-- {
		l := links[i]
		switch {
		case l.exclusive:
			tail = when(l.matcher, l.apply(handled), tail)
			split = true
		case split && anyExclusive(links[:i]):
			tail = when(l.matcher, l.apply(tail), tail)
			handled = when(l.matcher, l.apply(handled), handled)
		case split:
			tail = when(l.matcher, l.apply(tail), tail)
		default:
			tail = when(l.matcher, l.apply(tail), tail)
			handled = tail
		}
	}
	return tail
}

func anyExclusive(links []link) bool {
	for _, l := range links {
		if l.exclusive {
			return true
		}
	}
	return false
}

// when sends matching requests to yes and the others to no.
func when(m *match.Matcher, yes, no http.Handler) http.Handler {
	if m == nil {
		return yes
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if m.Match(r) {
			yes.ServeHTTP(w, r)
			return
		}
		no.ServeHTTP(w, r)
	})
}
