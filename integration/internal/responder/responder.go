// Package responder holds the OCSP responders the integration tests run dwaar
// against: openssl's, and one in Go for the faults openssl cannot be made to show.
package responder

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"dwaar/integration/internal/pki"
)

// Responder answers for one issuer, by the behaviour it was last given. It can be
// taken down and brought up again on its address.
type Responder struct {
	Issuer *pki.Authority

	t         testing.TB
	addr      string
	server    *http.Server
	behaviour atomic.Pointer[Behaviour]
	lifetime  atomic.Int64
	last      atomic.Pointer[[]byte]
	requests  atomic.Int64
	hanging   atomic.Int64
	released  chan struct{}

	mu    sync.Mutex
	doors []string          // addresses; guarded by mu
	names map[string]string // of the doors, by address; guarded by mu
	asked []Asked           // guarded by mu
}

// Behaviour writes one answer to a parsed request.
type Behaviour func(r *Responder, w http.ResponseWriter, asked Call)

// Call is one request and the news that its client has gone away.
type Call struct {
	*ocsp.Request
	Gone <-chan struct{}
	Door string // by which it came
}

// New starts a responder that says good, with responses valid for an hour.
func New(t testing.TB, issuer *pki.Authority) *Responder {
	t.Helper()
	return NewAt(t, issuer, "127.0.0.1:0")
}

// NewAt is New on an address of choice.
func NewAt(t testing.TB, issuer *pki.Authority, addr string) *Responder {
	t.Helper()
	r := &Responder{Issuer: issuer, t: t, released: make(chan struct{}), names: map[string]string{}}
	r.Behave(Good)
	r.Lifetime(time.Hour)
	r.listen(addr)
	t.Cleanup(func() {
		close(r.released)
		r.Down()
	})
	return r
}

// URL is what belongs into the AIA of a leaf.
func (r *Responder) URL() string { return "http://" + r.addr }

// Addr is host:port.
func (r *Responder) Addr() string { return r.addr }

// Behave switches the behaviour for the requests to come.
func (r *Responder) Behave(b Behaviour) { r.behaviour.Store(&b) }

// Lifetime sets nextUpdate-thisUpdate of the responses to come.
func (r *Responder) Lifetime(d time.Duration) { r.lifetime.Store(int64(d)) }

// Requests counts what has been asked so far.
func (r *Responder) Requests() int { return int(r.requests.Load()) }

// Last is the last response signed.
func (r *Responder) Last() []byte {
	if last := r.last.Load(); last != nil {
		return *last
	}
	return nil
}

// Hanging counts the requests that are being left without an answer.
func (r *Responder) Hanging() int { return int(r.hanging.Load()) }

// Down closes the listener and every connection: the next dial is refused.
func (r *Responder) Down() {
	if r.server != nil {
		_ = r.server.Close()
		r.server = nil
	}
}

// Up listens again on the addresses it had.
func (r *Responder) Up() {
	r.t.Helper()
	r.listen(r.addr)
	r.mu.Lock()
	doors := append([]string(nil), r.doors...)
	r.mu.Unlock()
	for _, door := range doors {
		r.open(door)
	}
}

func (r *Responder) listen(addr string) {
	r.t.Helper()
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: time.Minute}
	r.addr = r.open(addr)
}

// ServeHTTP parses GET and POST requests and hands them to the behaviour.
func (r *Responder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.requests.Add(1)
	der, err := body(req)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	asked, err := ocsp.ParseRequest(der)
	if err != nil {
		reply(w, ocsp.MalformedRequestErrorResponse)
		return
	}
	door := r.note(req, asked.SerialNumber.Text(16))
	(*r.behaviour.Load())(r, w, Call{Request: asked, Gone: req.Context().Done(), Door: door})
}

func body(req *http.Request) ([]byte, error) {
	switch req.Method {
	case http.MethodPost:
		return io.ReadAll(io.LimitReader(req.Body, 10<<10))
	case http.MethodGet:
		text, err := url.PathUnescape(strings.TrimPrefix(req.URL.EscapedPath(), "/"))
		if err != nil {
			return nil, err
		}
		return base64.StdEncoding.DecodeString(text)
	}
	return nil, errors.New("neither GET nor POST")
}

func reply(w http.ResponseWriter, der []byte) {
	w.Header().Set("Content-Type", "application/ocsp-response")
	_, _ = w.Write(der)
}
