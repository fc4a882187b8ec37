package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// security is how connections of a listener become TLS connections.
type security struct {
	base    *tls.Config            // for every protocol, kept over reloads
	sites   *atomic.Pointer[sites] // what base chooses policies by, kept like it
	next    *sites                 // what sites becomes by the commit
	config  *tls.Config            // for connections over TCP
	timeout time.Duration
}

// handshake makes conn a TLS connection, in time or not at all. A client that
// speaks HTTP is told so in HTTP.
func (s *security) handshake(ctx context.Context, conn net.Conn) (*tls.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	made := new(origin)
	secured := tls.Server(&originated{conn, made}, s.config)
	ctx = context.WithValue(ctx, originKey{}, made)
	err := secured.HandshakeContext(ctx)
	if err == nil {
		return secured, nil
	}
	var header tls.RecordHeaderError
	if errors.As(err, &header) && header.Conn != nil && looksLikeHTTP(header.RecordHeader) {
		_ = header.Conn.SetDeadline(time.Now().Add(time.Second))
		_, _ = io.WriteString(header.Conn, "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"+
			"This port speaks https, and you sent an http request.\n")
	}
	return nil, err
}

// looksLikeHTTP judges the first five bytes of a connection.
func looksLikeHTTP(start [5]byte) bool {
	switch string(start[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "PATCH", "DELET", "OPTIO":
		return true
	}
	return false
}
