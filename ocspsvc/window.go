package ocspsvc

import "time"

// DefaultMaxAge bounds a response that says itself neither when it ends nor is
// bounded by its caller.
const DefaultMaxAge = 7 * 24 * time.Hour

// Window is the span of wall time in which a response may be served: from
// From on, and no longer at Until (S3).
type Window struct{ From, Until time.Time }

// Contains reports whether now is inside the window. It compares wall time, so
// that a suspended machine or a stepped clock is noticed.
func (w Window) Contains(now time.Time) bool {
	now = now.Round(0)
	return !now.Before(w.From) && now.Before(w.Until)
}

// Window returns when a response with this verdict may be served:
// [thisUpdate, the earliest of nextUpdate, the delegate's notAfter and
// lastRefresh+maxAge). A lastRefresh that is zero or in the future counts as
// thisUpdate. A maxAge of 0 sets no bound, except that a response without
// nextUpdate then ends DefaultMaxAge after lastRefresh. The window of a
// verdict that says nothing about the certificate is empty.
func (v Verdict) Window(lastRefresh time.Time, maxAge time.Duration) Window {
	if v.Status == 0 {
		return Window{}
	}
	return v.windowAt(lastRefresh.Round(0), maxAge, time.Now().Round(0))
}

func (v Verdict) windowAt(lastRefresh time.Time, maxAge time.Duration, now time.Time) Window {
	if lastRefresh.IsZero() || lastRefresh.After(now) {
		lastRefresh = v.ThisUpdate
	}
	if maxAge <= 0 && v.NextUpdate.IsZero() {
		maxAge = DefaultMaxAge
	}
	until := v.NextUpdate
	if maxAge > 0 {
		until = earliest(until, lastRefresh.Add(maxAge))
	}
	return Window{From: v.ThisUpdate, Until: earliest(until, v.SignerNotAfter)}
}

// earliest returns the earlier of two times, of which a zero one means never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
