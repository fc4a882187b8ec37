package handler

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"dwaar/proxy/request"
)

// OCSPResponder hands requests to OCSP responders, which belong to whoever runs
// the server. They find the question of a GET in the path, behind whatever
// directories.
type OCSPResponder struct {
	// Responders are their numbers in the configuration: several answer for
	// several CAs at one place.
	Responders []int `json:"responders"`
}

// Name implements [Directive].
func (OCSPResponder) Name() string { return "ocsp_responder" }

// Compile implements [Directive].
func (c OCSPResponder) Compile(env *Env) (Middleware, error) {
	if env.OCSPResponder == nil {
		return answersOCSP(env, c, nil)
	}
	return answersOCSP(env, c, func() (http.Handler, error) { return env.OCSPResponder(c.Responders) })
}

// answersOCSP hands requests as they were received to who answers them.
func answersOCSP(env *Env, d Directive, find func() (http.Handler, error)) (Middleware, error) {
	if env.onlyCheck {
		return final(http.NotFoundHandler()), nil
	}
	if find == nil {
		return nil, fmt.Errorf("%s: nobody here answers OCSP requests", d.Name())
	}
	answer, err := find()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.Name(), err)
	}
	return final(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer.ServeHTTP(w, asReceived(r)) })), nil
}

// asReceived is r with the path that it came with. A prefix that handle_path has
// taken off does no harm; but two slashes in a row, which are one to it, are
// part of a question in base64. The received one may begin with a host, as
// clients write it to a proxy.
func asReceived(r *http.Request) *http.Request {
	received := request.Of(r).Received.URI
	if r.Method != http.MethodGet || received == "" || strings.Contains(received, r.URL.EscapedPath()) {
		return r
	}
	came, err := url.ParseRequestURI(received)
	if err != nil {
		return r
	}
	return withURL(r, func(u *url.URL) { u.Path, u.RawPath = came.Path, came.RawPath })
}
