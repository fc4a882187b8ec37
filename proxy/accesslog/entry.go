package accesslog

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Entry is one request as the client sent it, taken down before any handler
// can change it. Its header fields are not recorded, except User-Agent: they
// carry credentials. The URI is recorded whole, with whatever a client put
// into its query.
type Entry struct {
	start     time.Time
	remote    string
	proto     string
	method    string
	host      string
	uri       string
	userAgent string
	tls       *tls.ConnectionState
}

// Begin takes r down.
func Begin(r *http.Request) Entry {
	return Entry{
		start:     time.Now(),
		remote:    r.RemoteAddr,
		proto:     r.Proto,
		method:    r.Method,
		host:      r.Host,
		uri:       r.RequestURI,
		userAgent: r.UserAgent(),
		tls:       r.TLS,
	}
}

// Record writes the line of a request that was answered with status and size
// bytes of body. The duration in it is in seconds.
func (l *Log) Record(e Entry, status int, size int64) {
	record := slog.NewRecord(time.Now(), slog.LevelInfo, "handled request", 0)
	record.AddAttrs(
		e.request(),
		slog.Int("status", status),
		slog.Int64("size", size),
		slog.Float64("duration", time.Since(e.start).Seconds()),
	)
	_ = l.json.Handle(context.Background(), record) // queue never fails
}

func (e *Entry) request() slog.Attr {
	ip, port, _ := net.SplitHostPort(e.remote)
	attrs := make([]slog.Attr, 0, 8)
	attrs = append(attrs,
		slog.String("remote_ip", ip),
		slog.String("remote_port", port),
		slog.String("proto", e.proto),
		slog.String("method", e.method),
		slog.String("host", e.host),
		slog.String("uri", e.uri),
		slog.String("user_agent", e.userAgent),
	)
	if e.tls != nil {
		attrs = append(attrs, slog.Group("tls",
			slog.String("version", tls.VersionName(e.tls.Version)),
			slog.String("sni", e.tls.ServerName)))
	}
	return slog.Attr{Key: "request", Value: slog.GroupValue(attrs...)}
}
