package handler

import (
	"fmt"
	"net/http"
	"slices"
)

// Header changes the fields of responses. Its operations run when the header is
// sent, so they have the last word over what an upstream or a handler set.
//
// Several of them run in the order of Caddy: first those that come as they
// stand, from the outermost inwards, then those that are deferred, from the
// innermost outwards. One that deletes is deferred, and so is every default,
// which runs on its own. Within one the operations run in written order.
// Interim (1xx) responses are passed on as they are.
type Header struct {
	Ops []HeaderOp `json:"ops"`
	// Deferred defers operations that need not be.
	Deferred bool `json:"deferred,omitempty"`
}

// Name implements [Directive].
func (Header) Name() string { return "header" }

// Compile implements [Directive].
func (c Header) Compile(*Env) (Middleware, error) {
	ops, err := compileOps(c.Ops, refuseInResponse)
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	isDefault := func(op headerOp) bool { return op.op == "default" }
	own := slices.DeleteFunc(slices.Clone(ops), isDefault)
	defaults := slices.DeleteFunc(ops, func(op headerOp) bool { return !isDefault(op) })
	deferred := c.Deferred || slices.ContainsFunc(own, func(op headerOp) bool { return op.op == "delete" })
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if len(own) > 0 {
				w = onHeader(w, pendingOps{own, r, deferred})
			}
			if len(defaults) > 0 {
				w = onHeader(w, pendingOps{defaults, r, true})
			}
			next.ServeHTTP(w, r)
		})
	}, nil
}

func refuseInResponse(op HeaderOp, field string) error {
	if isFraming(field) {
		return fmt.Errorf("%s is set by the server and cannot be changed", field)
	}
	return nil
}

// onHeader arranges for ops to be applied when w's header is sent.
func onHeader(w http.ResponseWriter, ops pendingOps) http.ResponseWriter {
	response := responseOf(w)
	if response == nil {
		response = NewResponse(w)
		w = response
	}
	response.pending = append(response.pending, ops)
	return w
}
