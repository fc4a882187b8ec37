package proxy

import (
	"net/http"
	"slices"
	"strings"

	"dwaar/proxy/accesslog"
	"dwaar/proxy/match"
	"dwaar/proxy/tlspolicy"
)

// site is a compiled [Site].
type site struct {
	path    *match.PathMatcher // nil: every path
	length  int                // of the written path: longer ones are asked first
	handler http.Handler
	logs    []*accesslog.Log
	policy  *tlspolicy.Policy
}

// sites finds the site of a request by host and path. It does not change once
// it serves.
type sites struct {
	exact    map[string][]*site
	wildcard map[string][]*site // by what follows the first label
	any      []*site
	proxied  *site // for hosts that are of no site; nil: none

	defaultSNI string // "" for none
	policed    bool   // whether a site has a policy
}

func newSites() *sites {
	return &sites{exact: make(map[string][]*site), wildcard: make(map[string][]*site)}
}

// add lists s under a host that parseHost returned.
func (t *sites) add(host string, s *site) {
	t.policed = t.policed || s.policy != nil
	switch parent, isWildcard := strings.CutPrefix(host, "*."); {
	case host == "":
		t.any = insert(t.any, s)
	case isWildcard:
		t.wildcard[parent] = insert(t.wildcard[parent], s)
	default:
		t.exact[host] = insert(t.exact[host], s)
	}
}

// at are the sites listed under a host that parseHost returned.
func (t *sites) at(host string) []*site {
	switch parent, isWildcard := strings.CutPrefix(host, "*."); {
	case host == "":
		return t.any
	case isWildcard:
		return t.wildcard[parent]
	}
	return t.exact[host]
}

// insert keeps longer paths first, and written order between equals.
func insert(list []*site, s *site) []*site {
	i := slices.IndexFunc(list, func(other *site) bool { return other.length < s.length })
	if i < 0 {
		i = len(list)
	}
	return slices.Insert(list, i, s)
}

// find returns the site for r, or nil.
func (t *sites) find(r *http.Request) *site {
	host := match.CanonicalHost(r.Host)
	if s := firstFor(t.exact[host], r); s != nil {
		return s
	}
	if _, parent, ok := strings.Cut(host, "."); ok {
		if s := firstFor(t.wildcard[parent], r); s != nil {
			return s
		}
	}
	if s := firstFor(t.any, r); s != nil || t.proxied == nil || t.knows(r) {
		return s
	}
	return t.proxied
}

// knows reports whether some site answers for the host of r, on any path.
func (t *sites) knows(r *http.Request) bool {
	host := match.CanonicalHost(r.Host)
	_, parent, _ := strings.Cut(host, ".")
	return len(t.any) > 0 || len(t.exact[host]) > 0 || len(t.wildcard[parent]) > 0
}

func firstFor(list []*site, r *http.Request) *site {
	for _, s := range list {
		if s.path == nil || s.path.Match(r) {
			return s
		}
	}
	return nil
}
