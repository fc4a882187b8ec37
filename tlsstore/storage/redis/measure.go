package redis

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strconv"
	"syscall"

	"dwaar/tlsstore/storage"
)

// What a reply may have. go-redis makes room for whatever size a server announces, and goes as
// deep as it leads.
const (
	maxReply    = storage.MaxValue + 1<<20 // bytes
	maxLine     = 64 << 10                 // bytes of a line that is no string
	maxElements = 100_000                  // of a list
	maxDepth    = 4                        // of lists in lists
)

var errMeasure = errors.New("a reply that is larger than any that was asked for")

type dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// measuring is a dialer whose connections end at a reply beyond those bounds.
func measuring(dial dialer) dialer {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		m := &measured{Conn: conn}
		if socket, is := conn.(syscall.Conn); is { // by which go-redis sees that the server has closed it
			return struct {
				*measured
				syscall.Conn
			}{m, socket}, nil
		}
		return m, nil
	}
}

// measured reads along, as much of the protocol as tells sizes.
type measured struct {
	net.Conn
	line []byte // of a line, what has come of it
	skip int64  // bytes of a string that are still to come
	open []int  // elements still to come of the lists that we are in
	size int64  // of the reply, so far
}

func (m *measured) Read(p []byte) (int, error) {
	n, err := m.Conn.Read(p)
	if bad := m.measure(p[:n]); bad != nil {
		return 0, bad
	}
	return n, err
}

func (m *measured) measure(b []byte) error {
	for len(b) > 0 {
		n := int(min(m.skip, int64(len(b))))
		if m.skip == 0 {
			n = bytes.IndexByte(b, '\n') + 1
		}
		part := b[:n]
		if n == 0 {
			part = b
		}
		if m.size += int64(len(part)); m.size > maxReply {
			return errMeasure
		}
		b = b[len(part):]
		if err := m.take(part, n > 0); err != nil {
			return err
		}
	}
	return nil
}

// take takes a part of a string, or of a line, perhaps its end.
func (m *measured) take(part []byte, end bool) error {
	if m.skip > 0 {
		if m.skip -= int64(len(part)); m.skip == 0 {
			m.element()
		}
		return nil
	}
	if m.line = append(m.line, part...); len(m.line) > maxLine {
		return errMeasure
	}
	if !end {
		return nil
	}
	line := m.line
	m.line = m.line[:0]
	return m.header(line)
}

func (m *measured) header(line []byte) error {
	n := int64(-1)
	if line[0] == '$' || line[0] == '*' {
		n, _ = strconv.ParseInt(string(bytes.TrimSpace(line[1:])), 10, 64) // go-redis says what is wrong with it
	}
	switch {
	case line[0] == '$' && n > maxReply-m.size, line[0] == '*' && (n > maxElements || len(m.open) == maxDepth):
		return errMeasure
	case line[0] == '$' && n >= 0:
		m.skip = n + 2
	case line[0] == '*' && n > 0:
		m.open = append(m.open, int(n))
	default:
		m.element()
	}
	return nil
}

// element is the end of one, and of the lists whose last it is.
func (m *measured) element() {
	for len(m.open) > 0 {
		last := &m.open[len(m.open)-1]
		if *last--; *last > 0 {
			return
		}
		m.open = m.open[:len(m.open)-1]
	}
	m.size = 0
}
