package handler

import (
	"net/http"

	"dwaar/proxy/request"
	"dwaar/proxy/upstream"
)

// askedAbout is the key of the client's request in the context of a question.
type askedAbout struct{}

// aboutClient lets the placeholders of edits tell of the client's request, not
// of the question: its method, its URI and its variables. Only the upstream is
// the question's.
func aboutClient(edits upstream.Edits) upstream.Edits {
	about := func(question *http.Request, edit func(*http.Request)) {
		r, _ := question.Context().Value(askedAbout{}).(*http.Request)
		state := request.Of(r)
		before := state.Upstream
		state.Upstream = request.Of(question).Upstream
		edit(r)
		state.Upstream = before
	}
	var wrapped upstream.Edits
	if edits.Request != nil {
		wrapped.Request = func(out, question *http.Request) {
			about(question, func(r *http.Request) { edits.Request(out, r) })
		}
	}
	if edits.Response != nil {
		wrapped.Response = func(header http.Header, question *http.Request) {
			about(question, func(r *http.Request) { edits.Response(header, r) })
		}
	}
	return wrapped
}
