package http1

import (
	"errors"
	"sync"
	"time"
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
	return errors.New("the connection cannot be closed in one direction")
}

// SetReadDeadline bounds the reads.
func (t *tunnel) SetReadDeadline(at time.Time) error { return t.exchange.conn.SetReadDeadline(at) }

// Close implements [io.Closer].
func (t *tunnel) Close() error {
	t.once.Do(func() { t.exchange.end(false) })
	return nil
}
