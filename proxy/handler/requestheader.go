package handler

import (
	"fmt"
	"net/http"
	"strings"
)

// RequestHeader changes the fields of a request before the handlers after it
// see them. Host is the host the upstream is asked for; it cannot be deleted.
type RequestHeader struct {
	Ops []HeaderOp `json:"ops"`
}

// Name implements [Directive].
func (RequestHeader) Name() string { return "request_header" }

// Compile implements [Directive].
func (c RequestHeader) Compile(*Env) (Middleware, error) {
	ops, err := compileOps(c.Ops, refuseInRequest)
	if err != nil {
		return nil, fmt.Errorf("request_header: %w", err)
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, changed(r, ops))
		})
	}, nil
}

// changed applies ops to a copy of r, so that the access log and exclusive
// siblings keep seeing what the client sent.
func changed(r *http.Request, ops []headerOp) *http.Request {
	out := new(http.Request)
	*out = *r
	out.Header = r.Header.Clone()
	if out.Header == nil {
		out.Header = http.Header{}
	}
	editRequest(out, r, ops)
	return out
}

func refuseInRequest(op HeaderOp, field string) error {
	switch {
	case op.Op == "default":
		return fmt.Errorf("%s: a default is for responses only", field)
	case field == "Host" && op.Op != "set" && op.Op != "replace":
		return fmt.Errorf("%s: a request has exactly one; set or replace it", field)
	case isFraming(field):
		return fmt.Errorf("%s is set by the server and cannot be changed", field)
	case op.Op != "delete" && (strings.HasPrefix(field, "X-Forwarded-") || field == "Forwarded"):
		return fmt.Errorf("%s is set by reverse_proxy and cannot be changed", field)
	}
	return nil
}
