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
// after the first of them that matches, the others are passed over. So do
// those that rewrite, and those that set the root.
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

// exclusive is a directive of which a chain enters only the first that
// matches, among those of one group.
type exclusive interface {
	group() group
}

// matching is a directive that brings its own matcher.
type matching interface {
	// wants is the matcher of a route that has none, or nil.
	wants() *match.Set
}

// group is a bit for each kind of exclusive directives, Caddy's.
type group uint8

const (
	handles group = 1 << iota
	rewrites
	roots
)

// link is a compiled route.
type link struct {
	matcher *match.Matcher // nil: every request
	apply   Middleware
	group   group // 0: enters whatever was entered before
}

// Compile checks every route and reports all of their problems.
func (c Chain) Compile(env *Env) (Middleware, error) {
	if err := c.CheckSize(); err != nil {
		return nil, err
	}
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
	l.group = groupOf(r.Directive)
	if d, ok := r.Directive.(matching); ok && wanted == nil {
		wanted = d.wants()
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

// weave joins links from the last to the first. What follows a link depends on
// the groups that are taken when the request gets there, so a link that can be
// reached in several ways is joined for each of them. Groups without a link
// further on no longer count, which leaves one way in most places.
func weave(links []link, next http.Handler) http.Handler {
	places, from := reachable(links), map[group]http.Handler{0: next}
	for i := len(links) - 1; i >= 0; i-- {
		here := make(map[group]http.Handler, len(places[i]))
		for taken, ways := range places[i] {
			here[taken] = from[ways.passed]
			if taken&links[i].group == 0 {
				here[taken] = when(links[i].matcher, links[i].apply(from[ways.entered]), from[ways.passed])
			}
		}
		from = here
	}
	return from[0]
}

// ways are the groups that are taken behind a link, for a request that passed
// it and for one that entered.
type ways struct{ passed, entered group }

// reachable gives for each link the groups that can be taken when a request
// gets there, and what becomes of them.
func reachable(links []link) []map[group]ways {
	ahead := make([]group, len(links)+1) // the groups of a link and those after it
	for i := len(links) - 1; i >= 0; i-- {
		ahead[i] = ahead[i+1] | links[i].group
	}
	places := make([]map[group]ways, len(links)+1)
	places[0] = map[group]ways{0: {}}
	for i, l := range links {
		places[i+1] = map[group]ways{}
		for taken := range places[i] {
			w := ways{taken & ahead[i+1], (taken | l.group) & ahead[i+1]}
			places[i][taken] = w
			places[i+1][w.passed], places[i+1][w.entered] = ways{}, ways{}
		}
	}
	return places
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
