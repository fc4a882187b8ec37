package handler

import (
	"net/http"

	"dwaar/proxy/upstream"
)

// ReverseProxy forwards requests to upstreams.
type ReverseProxy struct {
	upstream.Config
}

// Name implements [Directive].
func (ReverseProxy) Name() string { return "reverse_proxy" }

// Compile implements [Directive].
func (c ReverseProxy) Compile(env *Env) (Middleware, error) {
	forward, err := upstream.New(c.Config, env.Pools, env.Log, Fail)
	if err != nil {
		return nil, err
	}
	return func(http.Handler) http.Handler { return forward }, nil
}
