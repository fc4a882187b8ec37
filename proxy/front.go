package proxy

import (
	"errors"
	"net/http"
	"time"

	"dwaar/proxy/handler"
	"dwaar/proxy/request"
)

// front is where the requests of one listener under one configuration arrive.
type front struct {
	sites      *sites
	challenges *challenges
	readBody   time.Duration // zero: no limit
	altSvc     *altSvc       // nil: no HTTP/3
	clientIP   *clientIP     // nil: the peer is the client
	fields     *fieldNames
	counts     *counts // nil: requests are not counted
	draining   func() bool
}

// ServeHTTP implements [http.Handler].
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor < 3 {
		f.greet(w, r)
	}
	if r.ProtoMajor > 1 && !wellFormed(r) {
		http.Error(w, "malformed request", http.StatusBadRequest)
		return
	}
	if r.Method == "PRI" {
		// The preface of HTTP/2 (RFC 9113 §3.4) without TLS, which net/http
		// leaves to handlers.
		w.Header().Set("Connection", "close")
		http.Error(w, "HTTP/2 is for https only", http.StatusHTTPVersionNotSupported)
		return
	}
	if f.challenges.answer(w, r) {
		return
	}
	s := f.sites.find(r)
	if s == nil {
		f.refuse(w, r)
		return
	}
	if !s.policy.HTTP3() {
		w.Header().Del("Alt-Svc")
	}
	f.fields.clean(r.Header)
	f.serve(s, w, r)
}

// serve lets a site answer, and keeps its books: also when a handler panics.
func (f *front) serve(s *site, w http.ResponseWriter, r *http.Request) {
	v := f.visit(w, r)
	if v.begin(s.logs, r); v.records != nil {
		defer v.record()
	}
	if f.counts != nil {
		f.counts.inFlight.Inc()
		defer v.count(f.counts)
	}
	keepToConnection(r.Header)
	h := s.handler
	if !f.sites.admits(r, s) {
		h = http.HandlerFunc(misdirected)
	}
	// The server's own request keeps its body: by that the server sees that it
	// was not read to its end, and does not reset the connection under a client
	// that is still sending.
	r = request.With(r, &v.state)
	v.body = boundBody(w, r, f.readBody)
	defer v.finish()
	answer(h, &v.response, r)
	v.answered = true
}

// greet tells a client over TCP where else to come, and whether to stay.
func (f *front) greet(w http.ResponseWriter, r *http.Request) {
	if len(r.TransferEncoding) > 0 {
		// There may have been a Content-Length too, which net/http takes away.
		// Who sent both is perhaps about to smuggle a request past a proxy in
		// front, so nothing may follow (RFC 9112 §6.1).
		w.Header().Set("Connection", "close")
	}
	if f.draining() {
		if r.Header.Get("Upgrade") == "" {
			// Ask the client to come back on another connection, before this one
			// is closed between two requests. HTTP/2 turns it into a GOAWAY.
			w.Header().Set("Connection", "close")
		}
		return
	}
	if f.altSvc != nil {
		f.altSvc.announce(w.Header(), r.Host)
	}
}

// answer answers r, by the site or for it.
func answer(h http.Handler, w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodConnect {
		// dwaar forwards to the servers it was told of, and is no tunnel.
		http.Error(w, "CONNECT is not allowed", http.StatusMethodNotAllowed)
		return
	}
	h.ServeHTTP(w, r)
}

// refuse answers requests that are for no site here. On TLS that is a
// connection reused for a host it was not made for.
func (f *front) refuse(w http.ResponseWriter, r *http.Request) {
	if r.TLS != nil && !f.sites.knows(r) {
		misdirected(w, r)
		return
	}
	http.Error(w, "no such site", http.StatusNotFound)
}

// misdirected answers a request that came over a connection for something else:
// a 421 tells the client to make another one (RFC 9110 §15.5.20).
func misdirected(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "no such site on this connection", http.StatusMisdirectedRequest)
}

var errUnanswered = errors.New("nothing in the site answers this request")

// unanswered is the end of every chain.
func unanswered(w http.ResponseWriter, r *http.Request) {
	handler.Fail(w, r, http.StatusNotFound, errUnanswered)
}
