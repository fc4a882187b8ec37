package http1

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// MaxInterim bounds the interim responses to one request.
const MaxInterim = 1000

// errNothing is the end of a connection before anything of a response.
var errNothing = errors.New("the server closed the connection without a response")

// exchange is one request and its response on a connection.
type exchange struct {
	conn    *conn
	request *http.Request
	sender  *sender     // nil: no body, or one that went out with the head
	forget  func() bool // the end of the request's context
	began   bool        // something of the response has come
	read    bool        // of the client's body

	response http.Response
	body     body

	mu    sync.Mutex // guards the rest, the read deadline too
	timed bool       // the deadline for the header is set
	heard bool       // the header has come
}

func newExchange(k *conn, r *http.Request) *exchange {
	x := &exchange{conn: k, request: r}
	x.forget = context.AfterFunc(r.Context(), func() { _ = k.Close() })
	return x
}

// run sends the request and reads the header of the response.
func (x *exchange) run(watcher Watcher) (*http.Response, error) {
	if err := x.send(); err != nil {
		return nil, err
	}
	for range MaxInterim {
		h, err := x.hear()
		switch {
		case err != nil:
			return nil, err
		case h.code == http.StatusContinue:
			x.sender.permit()
		case h.code < 200 && h.code != http.StatusSwitchingProtocols:
			if err := watcher.Interim(h.code, h.header); err != nil {
				return nil, err
			}
		default:
			return x.answer(h)
		}
	}
	return nil, errors.New("too many interim responses")
}

// hear reads one head.
func (x *exchange) hear() (head, error) {
	if !x.began {
		if _, err := x.conn.r.Peek(1); err != nil {
			if err == io.EOF {
				err = errNothing
			}
			return head{}, err
		}
		x.began = true
	}
	text, err := x.conn.readSection(x.conn.client.config.MaxHeader)
	if err != nil {
		return head{}, fmt.Errorf("reading the response: %w", err)
	}
	h, err := parseHead(text)
	if err != nil {
		return head{}, fmt.Errorf("reading the response: %w", err)
	}
	return h, nil
}

// readSection reads up to an empty line, within limit bytes.
func (k *conn) readSection(limit int) (string, error) {
	buffered, _ := k.r.Peek(k.r.Buffered())
	if end := headEnd(buffered); end > 0 && end <= limit {
		text := string(buffered[:end])
		_, _ = k.r.Discard(end)
		return text, nil
	}
	var section []byte
	for begin := true; ; {
		piece, err := k.r.ReadSlice('\n')
		section = append(section, piece...)
		if len(section) > limit {
			return "", fmt.Errorf("the header is larger than %d bytes", limit)
		}
		switch {
		case err == nil && begin && (string(piece) == "\r\n" || string(piece) == "\n"):
			return string(section), nil
		case err == nil:
			begin = true
		case errors.Is(err, errBufferFull):
			begin = false
		case err == io.EOF:
			return "", io.ErrUnexpectedEOF
		default:
			return "", err
		}
	}
}

// answer makes the response of its head.
func (x *exchange) answer(h head) (*http.Response, error) {
	x.headerHeard()
	f, err := framingOf(x.request.Method, h)
	if err != nil {
		return nil, fmt.Errorf("reading the response: %w", err)
	}
	x.response = http.Response{
		Status:        h.status,
		StatusCode:    h.code,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    h.minor,
		Header:        h.header,
		Body:          &x.body,
		ContentLength: f.length,
		Close:         f.last,
		Trailer:       f.trailer,
		Request:       x.request,
	}
	if h.code == http.StatusSwitchingProtocols {
		x.response.Body = &tunnel{exchange: x}
		return &x.response, nil
	}
	if x.request.Method == http.MethodHead {
		x.response.ContentLength, _ = contentLength(h.header)
	}
	x.sender.refuse() // who has not been asked for its body by now keeps it
	x.body = body{exchange: x, framing: f, left: f.length}
	if f.none() {
		x.body.finish(io.EOF)
		x.response.Body = http.NoBody
	}
	return &x.response, nil
}

// awaitHeader begins the time that the header of the response may take.
func (x *exchange) awaitHeader() {
	limit := x.conn.client.config.ResponseHeaderTimeout
	if limit <= 0 {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.heard {
		x.timed = true
		_ = x.conn.SetReadDeadline(time.Now().Add(limit))
	}
}

func (x *exchange) headerHeard() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.heard = true
	if x.timed {
		_ = x.conn.SetReadDeadline(time.Time{})
	}
}

// mayRetry reports whether a failed exchange did nothing: the connection had
// been idle and ended before a response, and the request either has no effect
// by its method or has not been sent.
func (x *exchange) mayRetry(err error) bool {
	var network net.Error
	if errors.As(err, &network) && network.Timeout() {
		return false
	}
	return x.conn.reused && !x.began && !x.read && isIdempotent(x.request.Method)
}

func isIdempotent(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}

// abandon ends an exchange that failed; its connection with it.
func (x *exchange) abandon() {
	x.forget()
	_ = x.conn.Close()
	x.sender.refuse()
}

// explain prefers why the exchange failed to how it was noticed.
func (x *exchange) explain(err error) error {
	if ctx := x.request.Context(); ctx.Err() != nil {
		x.sender.settle() // whoever owns the body knows by then how it ended
		return context.Cause(ctx)
	}
	if failed := x.sender.failure(); failed != nil && !x.began {
		return failed
	}
	return err
}

// end is for an exchange whose response has been read, with the connection
// kept if it can carry another.
func (x *exchange) end(reusable bool) {
	undisturbed := x.forget()
	client := x.conn.client
	if reusable && x.sender.sent() && undisturbed {
		client.keep(x.conn)
	} else {
		_ = x.conn.Close()
	}
	client.leave()
}
