package upstream

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"

	"dwaar/proxy/request"
)

// exchange is one request on its way through the proxy. It hangs at the
// request's state.
type exchange struct {
	w    http.ResponseWriter
	http int   // major version of the client's HTTP
	body *body // nil: none
	turn turn
}

// begin attaches an exchange to r.
func begin(w http.ResponseWriter, r *http.Request) (*http.Request, *exchange) {
	e := &exchange{w: w, http: r.ProtoMajor}
	r, state := request.Ensure(r)
	state.Exchange = e
	if r.ContentLength != 0 && r.Body != nil && r.Body != http.NoBody {
		e.body = &body{ReadCloser: r.Body}
		r.Body = e.body
	}
	return r, e
}

func exchangeOf(ctx context.Context) *exchange {
	return request.OfContext(ctx).Exchange.(*exchange)
}

// unread reports whether the client's body has not been read to its end.
func (e *exchange) unread() bool { return e.body != nil && !e.body.ended.Load() }

// untouched reports whether nothing of the client's body has been asked for.
func (e *exchange) untouched() bool { return e.body == nil || !e.body.touched.Load() }

// answerEarly is for a response that comes while the client is still sending.
// In HTTP/1 the response must not wait for the rest of the body, and as nobody
// knows what of it will be read, no request can follow on the connection.
func (e *exchange) answerEarly(header http.Header) {
	if e.http != 1 {
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

// body is a client's body that remembers how it ended.
type body struct {
	io.ReadCloser
	touched atomic.Bool
	ended   atomic.Bool
	failed  atomic.Pointer[error]
}

func (b *body) Read(p []byte) (int, error) {
	b.touched.Store(true)
	n, err := b.ReadCloser.Read(p)
	switch err {
	case nil:
	case io.EOF:
		b.ended.Store(true)
	default:
		b.failed.CompareAndSwap(nil, &err)
	}
	return n, err
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
