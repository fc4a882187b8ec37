package http1

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// ErrRequest is the error of a request that has no form in HTTP/1.1. Nothing of
// it was sent.
var ErrRequest = errors.New("not a request for HTTP/1.1")

// checkRequest refuses what would not be one request on the wire. Clients of
// HTTP/2 can write things that HTTP/1.1 takes for the end of a line or a word.
func checkRequest(r *http.Request) error {
	if !isToken(r.Method) {
		return fmt.Errorf("%w: the method %q is no token", ErrRequest, r.Method)
	}
	host := hostOf(r)
	if !httpguts.ValidHostHeader(host) {
		return fmt.Errorf("%w: the host %q is not valid", ErrRequest, host)
	}
	for name, values := range r.Header {
		if !isToken(name) {
			return fmt.Errorf("%w: the field name %q is no token", ErrRequest, name)
		}
		for _, value := range values {
			if !isFieldValue(value) {
				return fmt.Errorf("%w: the value of field %s is not valid", ErrRequest, name)
			}
		}
	}
	if r.ContentLength > 0 && r.Body == nil {
		return fmt.Errorf("%w: the body is missing", ErrRequest)
	}
	return nil
}

func hostOf(r *http.Request) string {
	if r.Host != "" {
		return r.Host
	}
	return r.URL.Host
}

// target is what r asks for, in one word.
func target(r *http.Request) (string, error) {
	uri := r.URL.RequestURI()
	if !strings.HasPrefix(uri, "/") && uri != "*" {
		return "", fmt.Errorf("%w: the target %q is no path", ErrRequest, uri)
	}
	odd := false
	for i := range len(uri) {
		switch c := uri[i]; {
		case c < ' ' || c == 0x7f:
			return "", fmt.Errorf("%w: the target %q has a control character", ErrRequest, uri)
		case c == ' ':
			odd = true
		}
	}
	if odd {
		uri = strings.ReplaceAll(uri, " ", "%20")
	}
	return uri, nil
}

func isToken(s string) bool {
	for i := range len(s) {
		if !tokens[s[i]] {
			return false
		}
	}
	return s != ""
}

// tokens are the characters of RFC 9110 §5.6.2.
var tokens = func() (set [256]bool) {
	for c := range 256 {
		set[c] = httpguts.IsTokenRune(rune(c))
	}
	return set
}()

// isFieldValue allows what RFC 9110 §5.5 does: no control characters except
// the tab.
func isFieldValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
