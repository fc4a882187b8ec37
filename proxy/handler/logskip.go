package handler

import (
	"net/http"

	"dwaar/proxy/request"
)

// LogSkip keeps requests out of the access logs of their site.
type LogSkip struct{}

// Name implements [Directive].
func (LogSkip) Name() string { return "log_skip" }

// Compile implements [Directive].
func (LogSkip) Compile(*Env) (Middleware, error) {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			request.Of(r).Unlogged = true
			next.ServeHTTP(w, r)
		})
	}, nil
}
