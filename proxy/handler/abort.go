package handler

import "net/http"

// Abort answers nothing: an HTTP/1 connection is closed, a stream of HTTP/2 or
// HTTP/3 reset.
type Abort struct{}

// Name implements [Directive].
func (Abort) Name() string { return "abort" }

// Compile implements [Directive].
func (Abort) Compile(*Env) (Middleware, error) {
	return final(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })), nil
}
