// Package http1 is the client's side of HTTP/1.1 over connections to one
// server. An exchange runs on the goroutine that asks for it; only a body is
// sent by another one, so that responses may come early.
//
// It is stricter than a browser has to be, because whatever it lets pass
// reaches a client of dwaar: a response whose framing could be read in two
// ways is an error, and so is a connection on which something arrived that
// nobody asked for.
package http1

import (
	"context"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Config is what a Client is made of.
type Config struct {
	// Dial connects to the server.
	Dial func(context.Context) (net.Conn, error)
	// MaxIdle is how many connections wait for a request at most. Zero: none.
	MaxIdle int
	// IdleTimeout is how long they wait.
	IdleTimeout time.Duration
	// MaxConns bounds the connections, the upgraded ones too; requests wait
	// for one. Zero means no limit.
	MaxConns int
	// ResponseHeaderTimeout is the time from the end of the request to the
	// header of its response. Zero means no limit.
	ResponseHeaderTimeout time.Duration
	// ContinueTimeout is how long a body that the client offers with
	// "Expect: 100-continue" waits for the server's word.
	ContinueTimeout time.Duration
	// MaxHeader bounds the bytes of one header or trailer section.
	MaxHeader int
	// ReadBuffer and WriteBuffer are in bytes; zero means 4 KiB.
	ReadBuffer, WriteBuffer int
}

// Client sends requests to one server.
type Client struct {
	config Config
	slots  chan struct{} // nil: any number of connections

	mu       sync.Mutex // guards the rest
	idle     []*conn    // the one used last is at the end
	sweeping bool       // a timer for idle is set
	closed   bool       // keep nothing
}

// New returns a client that has no connection yet.
func New(c Config) *Client {
	c.ReadBuffer = bufferOf(c.ReadBuffer)
	c.WriteBuffer = bufferOf(c.WriteBuffer)
	client := &Client{config: c}
	if c.MaxConns > 0 {
		client.slots = make(chan struct{}, c.MaxConns)
	}
	return client
}

// bufferOf is large enough for the line of a chunk.
func bufferOf(size int) int {
	if size == 0 {
		return 4 << 10
	}
	return max(size, 2*maxChunkLine)
}

// Watcher is told of interim responses. An error ends the exchange.
type Watcher interface {
	Interim(status int, header http.Header) error
}

// Do sends r and returns the header of its response; the body is read from the
// connection as the caller reads it, and must be closed. Of r it looks at
// Method, URL, Host, Header, Trailer, Body and ContentLength, takes the fields
// of Header as they are except those of the framing, and never closes Body,
// which it may go on reading after a response that came early. A Body with a
// method Touch is told before it is read: after an error, one that was not is
// whole.
//
// The response's header has what the server sent, the fields that are for one
// connection included. The body of a 101 is an [io.ReadWriteCloser]. 100 is
// not told to watcher: whoever sends the body has asked for it by then.
//
// A request without effect on the server or the client's body is sent once
// more if the server closed a connection on which nothing of the response had
// come, as servers do with idle connections.
func (c *Client) Do(r *http.Request, watcher Watcher) (*http.Response, error) {
	if err := checkRequest(r); err != nil {
		return nil, err
	}
	if err := c.enter(r.Context()); err != nil {
		return nil, err
	}
	for {
		k, err := c.connect(r.Context())
		if err != nil {
			c.leave()
			return nil, err
		}
		x := newExchange(k, r)
		response, err := x.run(watcher)
		if err == nil {
			return response, nil
		}
		retry := x.mayRetry(err)
		x.abandon()
		if err = x.explain(err); !retry || r.Context().Err() != nil {
			c.leave()
			return nil, err
		}
	}
}

// enter waits for the right to have a connection.
func (c *Client) enter(ctx context.Context) error {
	if c.slots == nil {
		return nil
	}
	select {
	case c.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *Client) leave() {
	if c.slots != nil {
		<-c.slots
	}
}

// connect takes an idle connection, or makes one. A new one is made only when
// none is idle: so there are never more than exchanges.
func (c *Client) connect(ctx context.Context) (*conn, error) {
	for {
		k := c.pop()
		if k == nil {
			break
		}
		if time.Since(k.since) < c.config.IdleTimeout && k.quiet() {
			k.reused = true
			return k, nil
		}
		_ = k.Close()
	}
	raw, err := c.config.Dial(ctx)
	if err != nil {
		return nil, err
	}
	return newConn(c, raw), nil
}

func (c *Client) pop() *conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := len(c.idle) - 1
	if last < 0 {
		return nil
	}
	k := c.idle[last]
	c.idle[last] = nil
	c.idle = c.idle[:last]
	return k
}

// keep takes back a connection whose exchange has ended well.
func (c *Client) keep(k *conn) {
	k.since = time.Now()
	if !c.push(k) {
		_ = k.Close()
	}
}

func (c *Client) push(k *conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || len(c.idle) >= c.config.MaxIdle {
		return false
	}
	c.idle = append(c.idle, k)
	if !c.sweeping {
		c.sweeping = true
		time.AfterFunc(c.config.IdleTimeout, c.sweep)
	}
	return true
}

// sweep closes what has been idle for too long.
func (c *Client) sweep() {
	for _, k := range c.expired() {
		_ = k.Close()
	}
}

func (c *Client) expired() []*conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for n < len(c.idle) && time.Since(c.idle[n].since) >= c.config.IdleTimeout {
		n++
	}
	old := slices.Clone(c.idle[:n])
	c.idle = slices.Delete(c.idle, 0, n)
	c.sweeping = len(c.idle) > 0
	if c.sweeping {
		time.AfterFunc(c.config.IdleTimeout-time.Since(c.idle[0].since), c.sweep)
	}
	return old
}

// CloseIdleConnections closes the connections that are idle now, and the busy
// ones when their exchange has ended. The client can still be used; it keeps
// no connections any more.
func (c *Client) CloseIdleConnections() {
	c.mu.Lock()
	idle := c.idle
	c.idle, c.closed = nil, true
	c.mu.Unlock()
	for _, k := range idle {
		_ = k.Close()
	}
}
