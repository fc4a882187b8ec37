package proxy

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"golang.org/x/time/rate"
)

const (
	// maxQUICStreams bounds the requests of one connection, maxUniStreams the
	// streams beside them: HTTP/3 has three (RFC 9114 §6.2), and clients grease.
	maxQUICStreams = 100
	maxUniStreams  = 16
	// What a client may send that nobody has read yet.
	streamWindow     = 512 << 10
	connectionWindow = 1 << 20
	// maxQUICConns bounds the connections of one socket, which cost no file
	// descriptor each that would bound them.
	maxQUICConns = 20_000
	// More first packets in a second than this, and new clients have to show
	// that their address is theirs (RFC 9000 §8.1.2).
	unverifiedRate = 1000
	// lastBytes is how long a connection without requests stays open at the
	// end, for clients that have not got all of a response.
	lastBytes = time.Second
)

// datagrams is the UDP socket of a listener, on which it speaks HTTP/3. It
// takes part in reloads as the listener does.
type datagrams struct {
	socket   *net.UDPConn
	listener *listener
	config   *tls.Config
	noise    *noise
	server   *http.Server       // stands for the servers of all connections
	closing  chan time.Duration // the grace period with which to end
	protocol atomic.Pointer[protocol]

	mu    sync.Mutex // guards conns
	conns map[*quicConn]struct{}
}

// newDatagrams takes a socket over. Clients wait for run.
func newDatagrams(socket *net.UDPConn, l *listener, config *tls.Config) *datagrams {
	return &datagrams{
		socket: socket, listener: l, config: http3.ConfigureTLSConfig(config), noise: l.noise, server: new(http.Server),
		closing: make(chan time.Duration, 1), conns: make(map[*quicConn]struct{}),
	}
}

// quic are the limits of one connection. Early data, which can be replayed, is
// not accepted.
func (p *protocol) quic() *quic.Config {
	return &quic.Config{
		HandshakeIdleTimeout:           p.handshake / 2, // the whole may take twice as long
		MaxIdleTimeout:                 min(p.idle, time.Minute),
		MaxIncomingStreams:             maxQUICStreams,
		MaxIncomingUniStreams:          maxUniStreams,
		InitialStreamReceiveWindow:     streamWindow / 2,
		MaxStreamReceiveWindow:         streamWindow,
		InitialConnectionReceiveWindow: streamWindow,
		MaxConnectionReceiveWindow:     connectionWindow,
	}
}

// run serves until close is called and every connection has ended.
func (d *datagrams) run(ctx context.Context) {
	unverified := rate.NewLimiter(unverifiedRate, unverifiedRate)
	transport := &quic.Transport{Conn: d.socket, VerifySourceAddress: func(net.Addr) bool { return !unverified.Allow() }, ConnContext: withQUICOrigin}
	defer d.socket.Close()
	defer transport.Close()
	socket, err := transport.Listen(d.config, &quic.Config{
		GetConfigForClient: func(*quic.ClientInfo) (*quic.Config, error) { return d.protocol.Load().quic(), nil },
	})
	if err != nil { // which no configuration brings about
		d.noise.log.Error("HTTP/3 is not served", "address", d.socket.LocalAddr().String(), "err", err)
		<-d.closing
		return
	}
	accepting, stop := context.WithCancel(ctx)
	defer stop()
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			conn, err := socket.Accept(accepting)
			if err != nil {
				return
			}
			conns.Go(func() { d.serve(conn) })
		}
	})
	grace := d.keep()
	_ = socket.Close()
	stop()
	d.drain(grace, &conns)
}

// keep looks after connections until close is called.
func (d *datagrams) keep() (grace time.Duration) {
	for {
		every := min(time.Minute, max(d.protocol.Load().idle/2, 50*time.Millisecond))
		select {
		case <-time.After(every):
			d.closeStuck()
		case grace = <-d.closing:
			return grace
		}
	}
}

// close makes run end. It is called once.
func (d *datagrams) close(grace time.Duration) { d.closing <- grace }

// drain tells clients to go elsewhere, and gives requests their grace. A
// handler that does not notice its end is not waited for.
func (d *datagrams) drain(grace time.Duration, conns *sync.WaitGroup) {
	patience, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		conns.Wait()
		close(ended)
	}()
	last := time.After(grace + lastMoment)
	tick := time.NewTicker(4 * poll)
	defer tick.Stop()
	for {
		for _, c := range d.open() {
			c.leave(patience)
		}
		select {
		case <-ended:
			return
		case <-last:
			return
		case <-tick.C:
		}
	}
}

// open are the connections that there are.
func (d *datagrams) open() []*quicConn {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := make([]*quicConn, 0, len(d.conns))
	for c := range d.conns {
		list = append(list, c)
	}
	return list
}

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
