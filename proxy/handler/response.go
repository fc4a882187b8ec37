package handler

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// Response is the writer that every chain of a site runs under. It remembers
// what was sent, and applies the operations of header directives at the
// moment the header goes out.
type Response struct {
	http.ResponseWriter
	pending []pendingOps
	status  int
	size    int64
}

type pendingOps struct {
	ops      []headerOp
	r        *http.Request
	deferred bool
}

func (p *pendingOps) apply(h http.Header) {
	for i := range p.ops {
		p.ops[i].apply(h, p.r)
		suppress(h, &p.ops[i])
	}
}

// NewResponse wraps w for one request.
func NewResponse(w http.ResponseWriter) *Response { return &Response{ResponseWriter: w} }

// Status is the final status that was sent, 101 for a connection that was
// taken over, or 0 while there is none.
func (w *Response) Status() int { return w.status }

// Size counts the bytes of body that were written.
func (w *Response) Size() int64 { return w.size }

// Unwrap lets [http.ResponseController] reach the connection.
func (w *Response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader sends the header; interim responses pass untouched.
func (w *Response) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
		w.FinishHeader(w.Header())
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *Response) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	n, err := w.ResponseWriter.Write(p)
	w.size += int64(n)
	return n, err
}

// WriteString implements [io.StringWriter] without a copy.
func (w *Response) WriteString(s string) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	n, err := io.WriteString(w.ResponseWriter, s)
	w.size += int64(n)
	return n, err
}

// ReadFrom implements [io.ReaderFrom]: net/http sends files by sendfile.
func (w *Response) ReadFrom(src io.Reader) (int64, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	n, err := io.Copy(w.ResponseWriter, src)
	w.size += n
	return n, err
}

// FlushError sends what is buffered, the header first.
func (w *Response) FlushError() error {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack hands the connection over and counts it as switched.
func (w *Response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil && w.status == 0 {
		w.status = http.StatusSwitchingProtocols
	}
	return conn, rw, err
}

// FinishHeader applies the pending operations to h, once. Only who writes a
// header around WriteHeader, as for a 101, needs to call it.
func (w *Response) FinishHeader(h http.Header) {
	for i := range w.pending {
		if p := &w.pending[i]; !p.deferred {
			p.apply(h)
		}
	}
	for i := len(w.pending) - 1; i >= 0; i-- {
		if p := &w.pending[i]; p.deferred {
			p.apply(h)
		}
	}
	w.pending = nil
}

// suppress keeps net/http from adding a field that was just deleted: it adds
// Date and a guessed Content-Type unless their key exists.
func suppress(h http.Header, o *headerOp) {
	if o.op != "delete" {
		return
	}
	for _, field := range [...]string{"Date", "Content-Type"} {
		if o.field == field || o.named != nil && o.named(field) {
			h[field] = nil
		}
	}
}

// responseOf finds the Response under w.
func responseOf(w http.ResponseWriter) *Response {
	for {
		switch v := w.(type) {
		case *Response:
			return v
		case interface{ Unwrap() http.ResponseWriter }:
			w = v.Unwrap()
		default:
			return nil
		}
	}
}
