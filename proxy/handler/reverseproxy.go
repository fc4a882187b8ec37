package handler

import (
	"fmt"
	"net/http"

	"dwaar/proxy/upstream"
)

// ReverseProxy forwards requests to upstreams.
type ReverseProxy struct {
	upstream.Config
	HeaderEdits
}

// Name implements [Directive].
func (ReverseProxy) Name() string { return "reverse_proxy" }

// Compile implements [Directive].
func (c ReverseProxy) Compile(env *Env) (Middleware, error) {
	edits, err := c.HeaderEdits.compile()
	if err != nil {
		return nil, fmt.Errorf("reverse_proxy: %w", err)
	}
	if env.onlyCheck {
		return nil, c.Config.Check()
	}
	forward, err := upstream.New(c.Config, edits, env.Pools, env.Log, Fail)
	if err != nil {
		return nil, err
	}
	return func(http.Handler) http.Handler { return forward }, nil
}
