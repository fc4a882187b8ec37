package fault

import (
	"errors"
	"net/http"
	"strconv"
	"time"
)

// maxRetryAfter bounds what a server may ask for, so that one bad header cannot
// outlast a staple.
const maxRetryAfter = time.Hour

// RetryAfter reads Retry-After (RFC 9110 §10.2.3), seconds or a date, between
// 0 and an hour; 0 if there is none or it makes no sense.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil {
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return min(max(date.Sub(now), 0), maxRetryAfter)
	}
	return 0
}

// Later attaches to err for how long a server wants to be left alone; 0 is for
// no such wish.
func Later(err error, after time.Duration) error {
	if after == 0 {
		return err
	}
	return &laterError{err, after}
}

// Wish is what Later attached to err, or 0.
func Wish(err error) time.Duration {
	var later *laterError
	if errors.As(err, &later) {
		return later.after
	}
	return 0
}

type laterError struct {
	error
	after time.Duration
}

func (e *laterError) Unwrap() error { return e.error }
