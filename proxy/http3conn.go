package proxy

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// serve answers the requests of one connection.
func (d *datagrams) serve(conn *quic.Conn) {
	p := d.protocol.Load()
	c := &quicConn{conn: conn, handler: d.listener, write: p.write}
	c.server = &http3.Server{
		Handler: c, MaxHeaderBytes: p.maxHeaderBytes, IdleTimeout: p.idle, Logger: d.noise.structured(), ConnContext: d.context,
	}
	c.used.Store(time.Now().UnixNano())
	if !d.add(c) {
		d.noise.warn("HTTP/3 connection refused: there are too many", "remote", conn.RemoteAddr().String(), "limit", maxQUICConns)
		c.close(http3.ErrCodeExcessiveLoad)
		return
	}
	if err := c.server.ServeQUICConn(conn); err != nil {
		d.noise.debug("serving HTTP/3", "remote", conn.RemoteAddr().String(), "err", err)
	}
	c.close(http3.ErrCodeNoError) // unless it is already
	d.mu.Lock()
	delete(d.conns, c)
	d.mu.Unlock()
}

// context tells handlers what net/http tells them: that a server is there, which
// a handler that panics with [http.ErrAbortHandler] makes break off the response.
func (d *datagrams) context(ctx context.Context, _ *quic.Conn) context.Context {
	return context.WithValue(ctx, http.ServerContextKey, d.server)
}

// add reports false if there are too many connections.
func (d *datagrams) add(c *quicConn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.conns) >= maxQUICConns {
		return false
	}
	d.conns[c] = struct{}{}
	return true
}

// closeStuck ends connections whose requests never become whole: the library
// has no deadline for their headers.
func (d *datagrams) closeStuck() {
	limit := d.protocol.Load().idle
	for _, c := range d.open() {
		if c.quiet(limit) {
			c.close(http3.ErrCodeExcessiveLoad)
		}
	}
}

// quicConn is one connection. It has an HTTP/3 server of its own, which costs
// little beside the handshake and lets each be ended alone.
type quicConn struct {
	conn     *quic.Conn
	server   *http3.Server
	handler  http.Handler
	write    time.Duration // for one response; zero: no limit
	requests atomic.Int64  // being handled
	used     atomic.Int64  // when a request last began or ended, in Unix nanoseconds
	told     sync.Once
}

// ServeHTTP implements [http.Handler].
func (c *quicConn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.requests.Add(1)
	c.used.Store(time.Now().UnixNano())
	defer func() {
		c.used.Store(time.Now().UnixNano())
		c.requests.Add(-1)
	}()
	if c.write > 0 {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(c.write))
	}
	c.handler.ServeHTTP(w, r)
}

// leave sends the client a GOAWAY, lets its requests end as long as patience
// lasts, and then closes the connection. It is called again and again.
func (c *quicConn) leave(patience context.Context) {
	c.told.Do(func() {
		c.used.Store(time.Now().UnixNano())
		go func() { _ = c.server.Shutdown(patience) }() // returns when serve does
	})
	if patience.Err() != nil || c.quiet(lastBytes) {
		c.close(http3.ErrCodeNoError)
	}
}

// quiet reports that nothing was asked and answered for so long.
func (c *quicConn) quiet(since time.Duration) bool {
	return c.requests.Load() == 0 && time.Since(time.Unix(0, c.used.Load())) > since
}

func (c *quicConn) close(code http3.ErrCode) {
	_ = c.conn.CloseWithError(quic.ApplicationErrorCode(code), "")
}
