package handler

// Handle is a chain for the requests its route matches. Of the handle and
// handle_path routes in one chain only the first that matches is entered. A
// request that the inner chain does not answer goes on after the others.
type Handle struct {
	Routes Chain `json:"routes,omitempty"`
}

// Name implements [Directive].
func (Handle) Name() string { return "handle" }

// Compile implements [Directive].
func (c Handle) Compile(env *Env) (Middleware, error) { return c.Routes.Compile(env) }

func (Handle) group() group { return handles }
