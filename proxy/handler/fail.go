package handler

import (
	"net/http"

	"dwaar/proxy/request"
)

// Fail answers a request that cannot be answered as it should be: with what
// the site's handle_errors has for the status, or else with the plain text of
// the status. err says why; it is shown to nobody unless the site does so by
// {err.message}. Fields that describe a body which is not sent are dropped.
// What fails while a failure is answered leaves that to its status: an error
// page that is missing does not make a 404 of a 502.
//
// Where the header was sent already, the client can only be told by breaking
// off the response, and Fail panics with [http.ErrAbortHandler].
func Fail(w http.ResponseWriter, r *http.Request, status int, err error) {
	if response := responseOf(w); response != nil && response.Status() != 0 {
		panic(http.ErrAbortHandler)
	}
	state := request.Of(r)
	for _, field := range describing {
		delete(w.Header(), field)
	}
	if state.Failure.Status != 0 {
		failPlainly(w, state.Failure.Status)
		return
	}
	state.Failure = request.Failure{Status: status, Err: err}
	if recovering := state.Recover; recovering != nil {
		state.Recover = nil
		recovering.ServeHTTP(w, state.Entered)
		return
	}
	failPlainly(w, status)
}

// describing are the fields of a response that are about its body.
var describing = [...]string{
	"Accept-Ranges", "Cache-Control", "Content-Encoding", "Content-Length", "Content-Range", "Content-Type", "Etag", "Last-Modified",
}

func failPlainly(w http.ResponseWriter, status int) {
	http.Error(w, http.StatusText(status), status)
}
