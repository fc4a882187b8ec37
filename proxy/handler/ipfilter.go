package handler

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"

	"dwaar/proxy/ipset"
	"dwaar/proxy/match"
	"dwaar/proxy/request"
)

// IPFilter lets clients in by their address: who asks, as trusted_proxies says,
// not who is connected. Of the networks that have the address the smallest
// decides. An address in none of them comes in unless there is an Allow. A
// client without address, over a unix socket, is in none.
type IPFilter struct {
	Allow match.Networks `json:"allow,omitempty"`
	Deny  match.Networks `json:"deny,omitempty"`
	// Abort closes the connection of who is refused, without an answer; else
	// it is a 403.
	Abort bool `json:"abort,omitempty"`
}

// Name implements [Directive].
func (IPFilter) Name() string { return "ip_filter" }

// Compile implements [Directive].
func (c IPFilter) Compile(*Env) (Middleware, error) {
	if len(c.Allow)+len(c.Deny) == 0 {
		return nil, errors.New("ip_filter: there is neither allow nor deny")
	}
	allow, err := c.Allow.Compile()
	if err != nil {
		return nil, fmt.Errorf("ip_filter: allow: %w", err)
	}
	deny, err := c.Deny.Compile()
	if err != nil {
		return nil, fmt.Errorf("ip_filter: deny: %w", err)
	}
	denied := make(map[netip.Prefix]bool, len(deny))
	for _, network := range deny {
		denied[network] = true
	}
	for _, network := range allow {
		if denied[network] {
			return nil, fmt.Errorf("ip_filter: %s is both allowed and denied", network)
		}
	}
	filter := &ipFilter{set: ipset.New(len(allow) == 0, allow, deny), abort: c.Abort}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { filter.serve(w, r, next) })
	}, nil
}

type ipFilter struct {
	set   *ipset.Set
	abort bool
}

var errFiltered = errors.New("the client's address is not let in")

func (h *ipFilter) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	switch {
	case h.set.Allows(request.Of(r).ClientIP):
		next.ServeHTTP(w, r)
	case h.abort:
		panic(http.ErrAbortHandler)
	default:
		Fail(w, r, http.StatusForbidden, errFiltered)
	}
}
