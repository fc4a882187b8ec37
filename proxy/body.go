package proxy

import (
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// linger is how long the rest of a body that nobody wanted is still read, so
// that the client gets to read its answer before the connection is closed.
const linger = 2 * time.Second

// body is a request body that must arrive in time.
type body struct {
	io.ReadCloser
	deadline func(time.Time) error
	major    int // version of HTTP
	read     atomic.Int64

	mu   sync.Mutex // held while reading
	last error      // of the last read; guarded by mu
}

// boundBody gives r's body limit to arrive in; zero is no limit. It is nil for
// a request without a body.
func boundBody(w http.ResponseWriter, r *http.Request, limit time.Duration) *body {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return nil
	}
	b := &body{ReadCloser: r.Body, major: r.ProtoMajor, deadline: http.NewResponseController(w).SetReadDeadline}
	if limit > 0 {
		// The server takes the deadline back when the body has ended.
		_ = b.deadline(time.Now().Add(limit))
	}
	r.Body = b
	return b
}

// size is how much of the body was read.
func (b *body) size() int64 {
	if b == nil {
		return 0
	}
	return b.read.Load()
}

func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, err := b.ReadCloser.Read(p)
	b.read.Add(int64(n))
	b.last = err
	return n, err
}

// abandon is called when the response is complete. What is missing of the body
// then must not hold the connection for longer than a moment: a read that is
// still waiting for it is interrupted, and the server's own reading of the
// rest gets a deadline. A client that was too slow already gets no more time.
func (b *body) abandon() {
	interrupted := !b.mu.TryLock()
	if interrupted {
		b.interrupt()
		b.mu.Lock()
	}
	defer b.mu.Unlock()
	if b.last == nil || interrupted {
		_ = b.deadline(time.Now().Add(linger))
	}
}

// breakOff is called when there will be no more of the response. It waits for
// the end of a read: the server would wait for it too, and then take the
// deadline back.
func (b *body) breakOff() {
	b.interrupt()
	b.mu.Lock()
	defer b.mu.Unlock()
}

// interrupt ends a read that is waiting, and those that follow.
func (b *body) interrupt() { _ = b.deadline(time.Now()) }
