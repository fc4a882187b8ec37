package handler

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"dwaar/proxy/placeholder"
	"dwaar/proxy/request"
	"dwaar/proxy/upstream"
)

// ForwardAuth asks another server whether a request may go on. That is sent a
// GET without body, with the fields of the client's request, and with its
// method and URI in X-Forwarded-Method and X-Forwarded-Uri. A status of 2xx
// lets the request go on; any other answer is the client's, whole. Without an
// answer nobody is let in.
type ForwardAuth struct {
	upstream.Config
	HeaderEdits
	// URI is the path and the query to ask for, with placeholders; empty means
	// the client's. One without a query keeps the client's.
	URI string `json:"uri,omitempty"`
	// CopyHeaders are fields of the answer that go on with the request, in
	// place of whatever the client sent under their names.
	CopyHeaders []CopyHeader `json:"copy_headers,omitempty"`
}

// CopyHeader is a field of the answer, and what it is called in the request;
// empty means the same.
type CopyHeader struct {
	From string `json:"from"`
	To   string `json:"to,omitempty"`
}

// authTimeout is how long an auth server may take to answer.
const authTimeout = 30 * time.Second

// Name implements [Directive].
func (ForwardAuth) Name() string { return "forward_auth" }

// Compile implements [Directive].
func (c ForwardAuth) Compile(env *Env) (Middleware, error) {
	auth, err := c.compile()
	if err != nil {
		return nil, err
	}
	if c.Config.ResponseHeaderTimeout == 0 {
		c.Config.ResponseHeaderTimeout = authTimeout
	}
	edits, err := c.HeaderEdits.compile()
	if err != nil {
		return nil, fmt.Errorf("forward_auth: %w", err)
	}
	if env.onlyCheck {
		return nil, c.Config.Check()
	}
	auth.server, err = upstream.New(c.Config, aboutClient(edits), env.Pools, env.Log, noAnswer)
	if err != nil {
		return nil, err
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { auth.serve(w, r, next) })
	}, nil
}

func (c ForwardAuth) compile() (*forwardAuth, error) {
	uri, err := placeholder.Compile(c.URI)
	if err != nil {
		return nil, fmt.Errorf("forward_auth: uri: %w", err)
	}
	if c.URI != "" && !strings.HasPrefix(c.URI, "/") && !strings.HasPrefix(c.URI, "{") {
		return nil, fmt.Errorf("forward_auth: uri: %q does not begin with a slash", c.URI)
	}
	copies, err := c.copies()
	if err != nil {
		return nil, fmt.Errorf("forward_auth: copy_headers: %w", err)
	}
	return &forwardAuth{uri: uri, rewrites: c.URI != "", copies: copies}, nil
}

// CheckCopies reports what is wrong with CopyHeaders alone.
func (c ForwardAuth) CheckCopies() error {
	_, err := c.copies()
	return err
}

func (c ForwardAuth) copies() (all []CopyHeader, err error) {
	seen := make(map[string]bool)
	for _, h := range c.CopyHeaders {
		from, to := http.CanonicalHeaderKey(h.From), http.CanonicalHeaderKey(cmp.Or(h.To, h.From))
		for _, field := range []string{from, to} {
			if !httpguts.ValidHeaderFieldName(field) || isFraming(field) || field == "Host" {
				return nil, fmt.Errorf("%q is no field that can be copied", field)
			}
		}
		if seen[to] {
			return nil, fmt.Errorf("%s is set twice", to)
		}
		seen[to] = true
		all = append(all, CopyHeader{from, to})
	}
	return all, nil
}

type forwardAuth struct {
	server   http.Handler
	uri      placeholder.Text
	rewrites bool
	copies   []CopyHeader // canonical, complete
}

func (h *forwardAuth) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	question, err := h.question(ctx, r)
	if err != nil {
		Fail(w, r, http.StatusInternalServerError, err)
		return
	}
	a := &authAnswer{client: w, cancel: cancel, header: make(http.Header)}
	h.ask(a, question)
	switch {
	case a.failure.Status == upstream.StatusClientGone:
		w.WriteHeader(upstream.StatusClientGone) // to nobody
	case a.failure.Status != 0:
		Fail(w, r, a.failure.Status, a.failure.Err)
	case a.good:
		h.copy(r, a.header)
		next.ServeHTTP(w, r)
	case !a.passing:
		Fail(w, r, http.StatusBadGateway, errNoAnswer)
	}
}

// question is what the auth server is asked. It has a state of its own, as
// what happens to it did not happen to r.
func (h *forwardAuth) question(ctx context.Context, r *http.Request) (*http.Request, error) {
	state := request.Of(r)
	q := request.With(r.Clone(context.WithValue(ctx, askedAbout{}, r)), &request.State{
		Started: state.Started, ClientIP: state.ClientIP, TrustedPeer: state.TrustedPeer, Received: state.Received, User: state.User,
	})
	q.Method, q.Body, q.ContentLength = http.MethodGet, http.NoBody, 0
	q.TransferEncoding, q.Trailer = nil, nil
	for _, field := range notAsked {
		q.Header.Del(field)
	}
	q.Header.Set("X-Forwarded-Method", r.Method)
	q.Header.Set("X-Forwarded-Uri", r.URL.RequestURI())
	if !h.rewrites {
		return q, nil
	}
	target, err := url.ParseRequestURI(h.uri.Expand(r))
	if err != nil {
		return nil, fmt.Errorf("forward_auth: uri: %w", err)
	}
	if target.RawQuery == "" && !target.ForceQuery {
		target.RawQuery = r.URL.RawQuery
	}
	q.URL = target
	q.RequestURI = target.RequestURI()
	return q, nil
}

// notAsked are the fields that are about the client's body, its connection, or
// the resource it wants: an auth server that answered 304 to If-None-Match, or
// 101 to Upgrade, would answer for the resource.
var notAsked = [...]string{
	"Connection", "Content-Length", "Expect", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since",
	"Http2-Settings", "Range", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// ask sends the question and lets a take the answer.
func (h *forwardAuth) ask(a *authAnswer, question *http.Request) {
	defer func() {
		// Whoever forwards gives up the response when a, which has seen enough
		// of a good answer, takes no more of its body.
		if broken := recover(); broken != nil && (!a.good || broken != http.ErrAbortHandler) {
			panic(broken)
		}
		a.end()
	}()
	h.server.ServeHTTP(a, question)
}

// copy gives r the fields of a good answer. What the client sent under their
// names goes in any case, in the spelling with underscores too, which some
// upstreams take for the same; and so does its wish that they go no further
// than here.
func (h *forwardAuth) copy(r *http.Request, answer http.Header) {
	for _, c := range h.copies {
		for field := range r.Header {
			if sameField(field, c.To) {
				delete(r.Header, field)
			}
		}
		if values := answer[c.From]; len(values) > 0 {
			r.Header[c.To] = values
		}
	}
	if connection := r.Header["Connection"]; len(connection) > 0 && len(h.copies) > 0 {
		r.Header["Connection"] = h.keepCopies(connection)
	}
}

func (h *forwardAuth) keepCopies(connection []string) (kept []string) {
	for _, list := range connection {
		for token := range strings.SplitSeq(list, ",") {
			if token = strings.TrimSpace(token); token != "" && !h.sets(token) {
				kept = append(kept, token)
			}
		}
	}
	return kept
}

func (h *forwardAuth) sets(field string) bool {
	for _, c := range h.copies {
		if sameField(field, c.To) {
			return true
		}
	}
	return false
}

// sameField compares names without regard to case, and to -, _ and dots.
func sameField(a, b string) bool {
	return len(a) == len(b) && strings.EqualFold(dashed(a), dashed(b))
}

func dashed(name string) string {
	return strings.Map(func(c rune) rune {
		if c == '_' || c == '.' {
			return '-'
		}
		return c
	}, name)
}

// noAnswer is told why the auth server has not answered.
func noAnswer(w http.ResponseWriter, _ *http.Request, status int, err error) {
	w.(*authAnswer).failure = request.Failure{Status: status, Err: errors.Join(errNoAnswer, err)}
}

var errNoAnswer = errors.New("the auth server has not answered")
