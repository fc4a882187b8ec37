package http1

import (
	"net"
	"sync"
)

// tunnel is a connection that speaks another protocol now, with what of that
// had come with the response.
type tunnel struct {
	exchange *exchange
	once     sync.Once
}

// Read implements [io.Reader].
func (t *tunnel) Read(p []byte) (int, error) { return t.exchange.conn.r.Read(p) }

// Write implements [io.Writer].
func (t *tunnel) Write(p []byte) (int, error) { return t.exchange.conn.Write(p) }

// CloseWrite tells the server that nothing more comes.
func (t *tunnel) CloseWrite() error {
	if half, ok := t.exchange.conn.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Conn is the connection itself, for deadlines.
func (t *tunnel) Conn() net.Conn { return t.exchange.conn.Conn }

// Close implements [io.Closer].
func (t *tunnel) Close() error {
	t.once.Do(func() { t.exchange.end(false) })
	return nil
}
