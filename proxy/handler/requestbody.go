package handler

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// RequestBody bounds the bodies of requests.
type RequestBody struct {
	// MaxSize is how many bytes a body may have; zero for any number. A longer
	// one is answered with a 413: at once if its length is known, else when a
	// handler has read so much of it.
	MaxSize int64 `json:"max_size,omitempty"`
	// ReadTimeout is how long a body may take to arrive.
	ReadTimeout time.Duration `json:"read_timeout,omitempty"`
	// WriteTimeout is how long the response may take to be sent.
	WriteTimeout time.Duration `json:"write_timeout,omitempty"`
}

// Name implements [Directive].
func (RequestBody) Name() string { return "request_body" }

// Compile implements [Directive].
func (c RequestBody) Compile(*Env) (Middleware, error) {
	if c == (RequestBody{}) {
		return nil, errors.New("request_body: nothing to do")
	}
	if c.MaxSize < 0 || c.ReadTimeout < 0 || c.WriteTimeout < 0 {
		return nil, errors.New("request_body: a size or timeout is negative")
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if c.MaxSize > 0 && r.ContentLength > c.MaxSize {
				if r.ProtoMajor == 1 {
					w.Header().Set("Connection", "close") // rather than read it
				}
				Fail(w, r, http.StatusRequestEntityTooLarge, fmt.Errorf("a body of %d bytes is too large", r.ContentLength))
				return
			}
			defer c.setDeadlines(w, r)()
			next.ServeHTTP(w, c.bound(w, r))
		})
	}, nil
}

// bound is r with a body that ends in an error when it is too large.
func (c RequestBody) bound(w http.ResponseWriter, r *http.Request) *http.Request {
	if c.MaxSize == 0 || !hasBody(r) {
		return r
	}
	out := new(http.Request)
	*out = *r
	out.Body = http.MaxBytesReader(w, r.Body, c.MaxSize)
	return out
}

// setDeadlines gives the body and the response their time. The server takes
// the first back when the body has ended; undo takes the second back, which
// would hold for the next request of the connection too.
func (c RequestBody) setDeadlines(w http.ResponseWriter, r *http.Request) (undo func()) {
	control := http.NewResponseController(w)
	if c.ReadTimeout > 0 && hasBody(r) {
		_ = control.SetReadDeadline(time.Now().Add(c.ReadTimeout))
	}
	if c.WriteTimeout == 0 || control.SetWriteDeadline(time.Now().Add(c.WriteTimeout)) != nil {
		return func() {}
	}
	return func() { _ = control.SetWriteDeadline(time.Time{}) }
}

func hasBody(r *http.Request) bool {
	return r.Body != nil && r.Body != http.NoBody && r.ContentLength != 0
}
