package upstream

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"dwaar/proxy/upstream/http1"
)

// StatusClientGone is what the access log shows for a client that left before
// it was answered. It never reaches anybody.
const StatusClientGone = 499

// Fail answers a request that has no response from an upstream.
type Fail func(w http.ResponseWriter, r *http.Request, status int, err error)

// failures answers requests that have no response from an upstream.
type failures struct {
	log    *slog.Logger
	fail   Fail
	warned atomic.Int64 // Unix nanoseconds
}

func (f *failures) answer(e *exchange, err error) {
	w, r := e.w, e.in
	status := statusOf(r.Context(), e, err)
	f.log.Log(r.Context(), f.level(status), "request was not forwarded",
		"status", status, "upstream", e.state.Upstream, "err", err)
	if e.unread() {
		e.answerEarly(w.Header())
	} else if status < 500 && r.ProtoMajor == 1 {
		w.Header().Set("Connection", "close")
	}
	if status == StatusClientGone {
		w.WriteHeader(status)
		return
	}
	f.fail(w, r, status, err)
}

// statusOf says whose fault err is. A body that breaks off also cancels the
// request, so the body is asked first.
func statusOf(ctx context.Context, e *exchange, err error) int {
	broken := e.failure()
	var tooLarge *http.MaxBytesError
	var network net.Error
	switch {
	case errors.Is(broken, os.ErrDeadlineExceeded):
		return http.StatusRequestTimeout
	case errors.As(broken, &tooLarge):
		return http.StatusRequestEntityTooLarge
	case ctx.Err() != nil:
		return StatusClientGone
	case broken != nil, errors.Is(err, http1.ErrRequest):
		return http.StatusBadRequest
	case errors.Is(err, errNoUpstream):
		return http.StatusServiceUnavailable
	case errors.As(err, &network) && network.Timeout():
		return http.StatusGatewayTimeout
	}
	return http.StatusBadGateway
}

// level keeps a dead upstream under load from filling the log: one warning a
// second, the others at debug level.
func (f *failures) level(status int) slog.Level {
	now := time.Now().UnixNano()
	last := f.warned.Load()
	if status < 500 || now-last < int64(time.Second) || !f.warned.CompareAndSwap(last, now) {
		return slog.LevelDebug
	}
	return slog.LevelWarn
}
