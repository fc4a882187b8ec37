package upstream

import (
	"log/slog"
	"net/http"
	"strings"
)

// Interim implements http1.Watcher: the client gets the response, and what it
// says is not said again with the next. HTTP/1.0 knows none.
func (e *exchange) Interim(status int, header http.Header) error {
	if !e.in.ProtoAtLeast(1, 1) {
		return nil
	}
	dropConnection(header)
	own := e.w.Header()
	kept := own.Clone()
	join(own, header)
	e.w.WriteHeader(status)
	clear(own)
	join(own, kept)
	return nil
}

// relay answers the client with response.
func (f *forward) relay(e *exchange, response *http.Response) {
	if response.StatusCode == http.StatusSwitchingProtocols {
		f.upgrade(e, response)
		return
	}
	header := e.w.Header()
	dropConnection(response.Header)
	if f.edits.Response != nil {
		f.edits.Response(response.Header, e.in)
	}
	if e.unread() {
		e.answerEarly(response.Header)
	}
	join(header, response.Header)
	announced := announce(header, response.Trailer)
	if announced > 0 && e.in.ProtoMajor == 1 {
		delete(header, "Content-Length") // HTTP/2 may have both
	}
	e.w.WriteHeader(response.StatusCode)
	if response.Body != http.NoBody {
		if err := f.copyBody(e.w, response, announced > 0); err != nil {
			f.broken(e, err)
			return
		}
	}
	passTrailer(e.w, response.Trailer, announced)
}

// join moves the fields of from to a header that may have some of them.
func join(to, from http.Header) {
	for name, values := range from {
		if old, ok := to[name]; ok {
			values = append(old[:len(old):len(old)], values...)
		}
		to[name] = values
	}
}

// announce names the fields that will follow the body.
func announce(header, trailer http.Header) int {
	if len(trailer) == 0 {
		return 0
	}
	names := make([]string, 0, len(trailer))
	for name := range trailer {
		names = append(names, name)
	}
	header.Add("Trailer", strings.Join(names, ", "))
	return len(names)
}

// passTrailer sends what followed the body, announced or not.
func passTrailer(w http.ResponseWriter, trailer http.Header, announced int) {
	if len(trailer) == 0 {
		return
	}
	prefix := ""
	if len(trailer) != announced {
		// What was not announced goes under a name that net/http knows; it
		// needs a body that has been begun.
		prefix = http.TrailerPrefix
		_ = http.NewResponseController(w).Flush()
	}
	header := w.Header()
	for name, values := range trailer {
		header[prefix+name] = values
	}
}

// broken ends a response that cannot be completed in a way that the client
// notices.
func (f *forward) broken(e *exchange, err error) {
	ctx := e.in.Context()
	f.log.Log(ctx, slog.LevelDebug, "response was broken off", "upstream", e.state.Upstream, "err", err)
	if ctx.Value(http.ServerContextKey) != nil {
		panic(http.ErrAbortHandler)
	}
}
