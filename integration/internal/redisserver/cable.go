package redisserver

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// Cable leads to a server, and can be cut: one client of it then has no network, while the
// others go on.
type Cable struct {
	server   *Server
	listener net.Listener

	mu    sync.Mutex // guards what follows
	cut   bool
	conns map[net.Conn]bool
}

// Cable lays a new one.
func (s *Server) Cable(t testing.TB) *Cable {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &Cable{server: s, listener: listener, conns: map[net.Conn]bool{}}
	go c.accept()
	t.Cleanup(func() {
		_ = listener.Close()
		c.Cut()
	})
	return c
}

// URL is where it begins.
func (c *Cable) URL() string {
	u, _ := url.Parse(c.server.URL())
	u.Host = c.listener.Addr().String()
	return u.String()
}

// Cut ends every connection, and new ones at once, until Mend.
func (c *Cable) Cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = true
	for conn := range c.conns {
		_ = conn.Close()
	}
	clear(c.conns)
}

// Mend ends Cut.
func (c *Cable) Mend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = false
}

func (c *Cable) accept() {
	for {
		conn, err := c.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", c.server.Addr())
		if err != nil {
			_ = conn.Close()
			continue
		}
		if c.keep(conn, far) {
			go pipe(far, conn)
			go pipe(conn, far)
		}
	}
}

func (c *Cable) keep(conns ...net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range conns {
		if c.cut {
			_ = conn.Close()
		} else {
			c.conns[conn] = true
		}
	}
	return !c.cut
}

func pipe(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	_ = to.Close()
	_ = from.Close()
}
