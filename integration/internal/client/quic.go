package client

import (
	"context"
	"fmt"
	"time"

	"github.com/quic-go/quic-go"
)

// DoQUIC is Do over QUIC, as a client of HTTP/3 shakes hands.
func (c Target) DoQUIC() (Handshake, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	config := c.config()
	config.NextProtos = []string{"h3"}
	begin := time.Now()
	conn, err := quic.DialAddr(ctx, c.Addr, config, nil)
	if err != nil {
		return Handshake{}, fmt.Errorf("QUIC handshake with %q: %w", c.Name, err)
	}
	h := read(conn.ConnectionState().TLS)
	h.Begun, h.Took = begin, time.Since(begin)
	return h, conn.CloseWithError(0, "")
}
