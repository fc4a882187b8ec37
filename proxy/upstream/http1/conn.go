package http1

import (
	"bufio"
	"net"
	"syscall"
	"time"
)

// conn is one connection. It is used by one exchange at a time.
type conn struct {
	net.Conn
	client *Client
	r      *bufio.Reader
	w      *bufio.Writer
	reused bool
	since  time.Time // when it became idle

	raw   syscall.RawConn // nil: it can't be looked at
	look  func(fd uintptr) bool
	still bool // result of look
}

func newConn(client *Client, raw net.Conn) *conn {
	k := &conn{
		Conn:   raw,
		client: client,
		r:      bufio.NewReaderSize(raw, client.config.ReadBuffer),
		w:      bufio.NewWriterSize(raw, client.config.WriteBuffer),
	}
	if s, ok := raw.(syscall.Conn); ok {
		if rc, err := s.SyscallConn(); err == nil {
			k.raw, k.look = rc, k.peek
		}
	}
	return k
}

// quiet reports whether nothing has come while k was idle: neither its end,
// nor bytes, which would be taken for the response to the next request.
func (k *conn) quiet() bool {
	if k.r.Buffered() > 0 {
		return false
	}
	if k.raw == nil {
		return true
	}
	k.still = false
	return k.raw.Read(k.look) == nil && k.still
}
