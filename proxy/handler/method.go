package handler

import (
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"

	"dwaar/proxy/placeholder"
)

// Method gives a request another method.
type Method struct {
	// Method may hold placeholders. It is taken in upper case; a request for
	// which it is empty keeps its own.
	Method string `json:"method"`
}

// Name implements [Directive].
func (Method) Name() string { return "method" }

// Compile implements [Directive].
func (c Method) Compile(*Env) (Middleware, error) {
	text, err := placeholder.Compile(c.Method)
	if err != nil {
		return nil, fmt.Errorf("method: %w", err)
	}
	if text.IsFixed() && !isMethod(strings.ToUpper(c.Method)) {
		return nil, fmt.Errorf("method: %q is not a method", c.Method)
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			method := strings.ToUpper(text.Expand(r))
			switch {
			case method == "" || method == r.Method:
				next.ServeHTTP(w, r)
			case !isMethod(method):
				Fail(w, r, http.StatusBadRequest, fmt.Errorf("%q is not a method", method))
			default:
				out := new(http.Request)
				*out = *r
				out.Method = method
				next.ServeHTTP(w, out)
			}
		})
	}, nil
}

// isMethod holds for what a request may have as its method. CONNECT would ask
// an upstream for a tunnel.
func isMethod(method string) bool {
	return httpguts.ValidHeaderFieldName(method) && method != http.MethodConnect
}
