package proxy

import (
	"net/http"

	"golang.org/x/net/http/httpguts"
)

// wellFormed looks at what HTTP/2 and HTTP/3 carry as free text and HTTP/1 as
// syntax: net/http does so for HTTP/1 only. A Host field beside an :authority
// must say the same (RFC 9113 §8.3.1).
func wellFormed(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodPatch:
	default:
		if !httpguts.ValidHeaderFieldName(r.Method) { // a token, too
			return false
		}
	}
	if !httpguts.ValidHostHeader(r.Host) || r.Host == "" {
		return false
	}
	if host, present := r.Header["Host"]; present && (len(host) > 1 || host[0] != r.Host) {
		return false
	}
	return r.Body == nil || r.Body == http.NoBody || hasOneLength(r)
}

// hasOneLength refuses several lengths, and what net/http takes for none at all.
func hasOneLength(r *http.Request) bool {
	written := r.Header["Content-Length"]
	return len(written) == 0 || len(written) == 1 && (r.ContentLength > 0 || written[0] == "0")
}
