package handler

import "net/http"

// Metrics answers with the metrics of the whole program, in the text format of
// Prometheus. Who may read them is for other directives to decide.
type Metrics struct{}

// Name implements [Directive].
func (Metrics) Name() string { return "metrics" }

// Compile implements [Directive].
func (Metrics) Compile(env *Env) (Middleware, error) {
	show := env.Metrics
	if show == nil {
		show = http.NotFoundHandler()
	}
	return final(show), nil
}
