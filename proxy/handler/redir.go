package handler

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"strconv"
	"strings"

	"dwaar/proxy/placeholder"
)

// Redir sends the client elsewhere.
type Redir struct {
	// To is the target, with placeholders.
	To string `json:"to"`
	// Code is "temporary" (302, the default), "permanent" (301), a number
	// from 300 to 399, or "html": a page that redirects, for clients that
	// must not see a redirecting status.
	Code string `json:"code,omitempty"`
}

// Name implements [Directive].
func (Redir) Name() string { return "redir" }

// Compile implements [Directive].
func (c Redir) Compile(*Env) (Middleware, error) {
	if c.To == "" {
		return nil, fmt.Errorf("redir: no target")
	}
	to, err := placeholder.Compile(c.To)
	if err != nil {
		return nil, fmt.Errorf("redir: %w", err)
	}
	if c.Code == "html" {
		return final(redirPage{to}), nil
	}
	status, err := redirStatus(c.Code)
	if err != nil {
		return nil, err
	}
	return final(redir{to, status}), nil
}

func redirStatus(code string) (int, error) {
	switch code {
	case "", "temporary":
		return http.StatusFound, nil
	case "permanent":
		return http.StatusMovedPermanently, nil
	}
	status, err := strconv.Atoi(code)
	if err != nil || status < 300 || status > 399 {
		return 0, fmt.Errorf("redir: %q is not temporary, permanent, html or a number from 300 to 399", code)
	}
	return status, nil
}

// final is the middleware of a handler that always answers.
func final(h http.Handler) Middleware {
	return func(http.Handler) http.Handler { return h }
}

type redir struct {
	to     placeholder.Text
	status int
}

func (h redir) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	redirectTo(w, h.to.Expand(r), h.status)
}

func redirectTo(w http.ResponseWriter, target string, status int) {
	w.Header().Set("Location", escapeLocation(target))
	w.WriteHeader(status)
}

type redirPage struct{ to placeholder.Text }

func (h redirPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	target := html.EscapeString(escapeLocation(h.to.Expand(r)))
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusOK)
	_, _ = io.WriteString(w, `<!DOCTYPE html>
<html>
<head>
<title>Redirecting</title>
<meta http-equiv="refresh" content="0; url=`+target+`">
</head>
<body>Redirecting to <a href="`+target+`">`+target+`</a></body>
</html>
`)
}

// escapeLocation percent-encodes what may not stand in a Location field, so
// that a decoded placeholder can neither end the field nor be misread.
func escapeLocation(s string) string {
	clean := func(c byte) bool { return c > ' ' && c < 0x7f && c != '"' && c != '<' && c != '>' }
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; clean(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
