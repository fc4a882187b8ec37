package proxy

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxFrame is what every peer knows how to send (RFC 9113 §6.5.2); a larger
	// frame would be a larger buffer for whoever asks.
	maxFrame = 16 << 10
	// A connection on which nothing arrives is asked for a sign of life, and
	// one that takes no byte for a minute is dead.
	pingAfter    = 30 * time.Second
	pingTimeout  = 15 * time.Second
	writeTimeout = time.Minute
)

// protocol are the settings that net/http fixes when a server starts.
type protocol struct {
	readHeader, write, idle, handshake time.Duration
	maxHeaderBytes                     int
	http2                              bool
}

func (c Config) protocol() protocol {
	t := c.Timeouts
	return protocol{t.ReadHeader, t.Write, t.Idle, t.Handshake, c.MaxHeaderBytes, c.speaks(HTTP2)}
}

// generation is the HTTP server of a listener for as long as its protocol
// settings stay the same. It is the net.Listener of that server.
type generation struct {
	protocol protocol
	server   *http.Server
	addr     net.Addr
	conns    chan net.Conn
	retired  chan struct{} // closed by retire
	once     sync.Once     // closes retired
	open     atomic.Int64  // connections, the upgraded ones not counted
}

func newGeneration(p protocol, l *listener, log *noise) *generation {
	g := &generation{
		protocol: p,
		addr:     l.socket.Addr(),
		conns:    make(chan net.Conn),
		retired:  make(chan struct{}),
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(p.http2) // over TLS only
	g.server = &http.Server{
		Handler:           l,
		ReadHeaderTimeout: p.readHeader,
		WriteTimeout:      p.write,
		IdleTimeout:       p.idle,
		MaxHeaderBytes:    p.maxHeaderBytes,
		ErrorLog:          log.standard(),
		ConnState:         g.count,
		ConnContext:       withOrigin,
		Protocols:         protocols,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: maxStreams,
			MaxReadFrameSize:     maxFrame,
			SendPingTimeout:      pingAfter,
			PingTimeout:          pingTimeout,
			WriteByteTimeout:     writeTimeout,
		},
	}
	return g
}

// serve serves connections as they are given until the generation retires or
// its server is shut down. Requests end with ctx.
func (g *generation) serve(ctx context.Context) {
	g.server.BaseContext = func(net.Listener) context.Context { return ctx }
	_ = g.server.Serve(g) // always the error of an Accept that ended
}

// take gives conn to the server, and reports false if that has retired.
func (g *generation) take(conn net.Conn) bool {
	g.open.Add(1)
	select {
	case g.conns <- conn:
		return true
	case <-g.retired:
		g.open.Add(-1)
		return false
	}
}

// retire lets serve return. Connections it took go on.
func (g *generation) retire() { g.once.Do(func() { close(g.retired) }) }

// count sees connections leave; take has seen them come.
func (g *generation) count(_ net.Conn, state http.ConnState) {
	if state == http.StateClosed || state == http.StateHijacked {
		g.open.Add(-1)
	}
}

func (g *generation) empty() bool { return g.open.Load() == 0 }

// Accept implements [net.Listener].
func (g *generation) Accept() (net.Conn, error) {
	select {
	case conn := <-g.conns:
		return conn, nil
	case <-g.retired:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener] for a server that shuts down.
func (g *generation) Close() error {
	g.retire()
	return nil
}

// Addr implements [net.Listener].
func (g *generation) Addr() net.Addr { return g.addr }
