package redis

import (
	"context"
	"log/slog"
	"net"
)

// OpenBy is Open with another way to the server.
func OpenBy(cfg Config, log *slog.Logger, dial func(ctx context.Context, network, addr string) (net.Conn, error)) (*Store, error) {
	return open(cfg, log, dial)
}

// The scripts, by which a server that is not one knows what it is asked for.
var (
	LockScript   = lockScript.sum
	ExtendScript = extendScript.sum
	UnlockScript = unlockScript.sum
	StoreScript  = storeScript.sum
)

// MaxReply is the most that a reply may have.
const MaxReply = maxReply

// Measure reads a stream as a connection does.
func Measure(conn net.Conn) net.Conn { return &measured{Conn: conn} }
