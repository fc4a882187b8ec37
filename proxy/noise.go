package proxy

import (
	"context"
	"log"
	"log/slog"
	"strings"
	"sync/atomic"

	"golang.org/x/time/rate"
)

// noise takes what strangers can cause as often as they like: a flood of it
// must not become a flood in the log.
type noise struct {
	log        *slog.Logger
	limiter    *rate.Limiter
	suppressed atomic.Int64
}

func (n *noise) debug(msg string, args ...any) { n.write(slog.LevelDebug, msg, args) }
func (n *noise) warn(msg string, args ...any)  { n.write(slog.LevelWarn, msg, args) }

func (n *noise) write(level slog.Level, msg string, args []any) {
	ctx := context.Background()
	if !n.log.Enabled(ctx, level) {
		return
	}
	if !n.limiter.Allow() {
		n.suppressed.Add(1)
		return
	}
	if missing := n.suppressed.Swap(0); missing > 0 {
		args = append(args, "suppressed", missing)
	}
	n.log.Log(ctx, level, msg, args...)
}

// standard is the logger for net/http. A handler that panics is a fault of
// dwaar's; the rest is about clients.
func (n *noise) standard() *log.Logger {
	return log.New(lines{n}, "", 0)
}

type lines struct{ *noise }

func (l lines) Write(line []byte) (int, error) {
	text := strings.TrimSpace(string(line))
	if strings.HasPrefix(text, "http: panic") || strings.HasPrefix(text, "http2: panic") {
		l.log.Error("a handler panicked", "err", text)
	} else {
		l.debug("serving HTTP", "err", text)
	}
	return len(line), nil
}

// structured is the logger for a library that has one of these: only handlers
// that panic are its to tell.
func (n *noise) structured() *slog.Logger { return slog.New(faults{n.log.Handler()}) }

type faults struct{ slog.Handler }

// Enabled implements [slog.Handler].
func (f faults) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelError }
