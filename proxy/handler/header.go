package handler

import (
	"fmt"
	"net/http"
)

// Header changes the fields of responses. Its operations run in written order
// when the header is sent, so they have the last word over what an upstream
// or a handler set, and the operations of an inner header directive over those
// of an outer one. Interim (1xx) responses are passed on as they are.
type Header struct {
	Ops []HeaderOp `json:"ops"`
}

// Name implements [Directive].
func (Header) Name() string { return "header" }

// Compile implements [Directive].
func (c Header) Compile(*Env) (Middleware, error) {
	ops, err := compileOps(c.Ops, refuseInResponse)
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w = onHeader(w, ops, r)
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
func onHeader(w http.ResponseWriter, ops []headerOp, r *http.Request) http.ResponseWriter {
	response := responseOf(w)
	if response == nil {
		response = NewResponse(w)
		w = response
	}
	response.pending = append(response.pending, pendingOps{ops, r})
	return w
}
