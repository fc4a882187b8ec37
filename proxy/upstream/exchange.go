package upstream

import (
	"net/http"
	"net/url"

	"dwaar/proxy/request"
)

// exchange is one request on its way through the proxy.
type exchange struct {
	w     http.ResponseWriter
	in    *http.Request // the client's
	state *request.State
	body  *body // nil: none
	turn  turn

	out       http.Request // the upstream's
	url       url.URL
	forwarded [3]string // for, host and proto
	trusted   bool      // the client is a proxy that is believed
}

// begin makes the exchange of r, which it attaches a state to if there is none.
func begin(w http.ResponseWriter, r *http.Request) (*http.Request, *exchange) {
	r, state := request.Ensure(r)
	e := &exchange{w: w, in: r, state: state}
	if r.ContentLength == 0 || r.Body == nil || r.Body == http.NoBody {
		return r, e
	}
	e.body = &body{ReadCloser: r.Body, trailer: r.Trailer}
	e.body.dropMisplaced()
	if r.ContentLength < 0 && lacksBody(r.Method) && e.body.empty() {
		e.body = nil
		return r, e
	}
	r.Body = e.body
	return r, e
}

// lacksBody says for which methods a body of unknown length is most likely
// none: HTTP/3 does not say so in the header.
func lacksBody(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodDelete, http.MethodOptions, "PROPFIND", "SEARCH":
		return true
	}
	return false
}

// unread reports whether the client's body has not been read to its end.
func (e *exchange) unread() bool { return e.body != nil && !e.body.ended.Load() }

// untouched reports whether nothing of the client's body has been asked for.
func (e *exchange) untouched() bool { return e.body == nil || !e.body.touched.Load() }

// answerEarly is for a response that comes while the client is still sending.
// In HTTP/1 the response must not wait for the rest of the body, and as nobody
// knows what of it will be read, no request can follow on the connection.
func (e *exchange) answerEarly(header http.Header) {
	if e.in.ProtoMajor != 1 {
		return
	}
	if http.NewResponseController(e.w).EnableFullDuplex() == nil {
		header.Set("Connection", "close")
	}
}

// finishHeader lets the writers under the exchange finish a header that is not
// sent through WriteHeader.
func (e *exchange) finishHeader(header http.Header) {
	for w := e.w; w != nil; {
		if f, ok := w.(interface{ FinishHeader(http.Header) }); ok {
			f.FinishHeader(header)
		}
		under, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return
		}
		w = under.Unwrap()
	}
}

// failure is the error that ended the client's body, or nil.
func (e *exchange) failure() error {
	if e.body == nil {
		return nil
	}
	if err := e.body.failed.Load(); err != nil {
		return *err
	}
	return nil
}
