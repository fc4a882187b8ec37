package handler

// RouteBlock is a chain that keeps the order in which it is written.
type RouteBlock struct {
	Routes Chain `json:"routes,omitempty"`
}

// Name implements [Directive].
func (RouteBlock) Name() string { return "route" }

// Compile implements [Directive].
func (c RouteBlock) Compile(env *Env) (Middleware, error) { return c.Routes.Compile(env) }
