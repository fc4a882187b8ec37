package proxy

import (
	"time"

	"github.com/quic-go/quic-go"
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
