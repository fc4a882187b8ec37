package upstream

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"time"
)

// errNoUpstream is for requests that no upstream takes: all of them are down,
// or have as many requests as they may have.
var errNoUpstream = errors.New("no upstream is available")

// passOverFor bounds how long a request looks for an upstream that can be
// reached, where no lb_try_duration does.
const passOverFor = 10 * time.Second

// repeatable reports whether r may be sent to another upstream although one
// may have acted on it. Its method must be idempotent (RFC 9110 §9.2.2), or
// the operator must have said that it may.
func (rules *retries) repeatable(r *http.Request) bool {
	if len(rules.match) == 0 {
		return idempotent(r.Method)
	}
	for _, m := range rules.match {
		if m.Match(r) {
			return true
		}
	}
	return false
}

func idempotent(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

// retry reports whether the turn may go on after a failure, or after it found
// nobody to ask, and waits as long as that takes. An upstream that has not
// been tried is asked at once, and is no retry if nothing was sent yet.
func (t *turn) retry(nobody bool) bool {
	rules := &t.balancer.retries
	if t.err != nil && !t.again || t.request.Context().Err() != nil {
		return false
	}
	fresh := !nobody && t.untried()
	if fresh && t.unsent && time.Since(t.begun) < cmp.Or(rules.duration, passOverFor) {
		return true
	}
	if !rules.on() || rules.most > 0 && t.retried >= rules.most {
		return false
	}
	wait := rules.interval
	if rules.duration > 0 {
		left := rules.duration - time.Since(t.begun)
		if left <= 0 {
			return false
		}
		wait = min(wait, left)
	}
	t.retried++
	return fresh || t.wait(wait)
}

// untried reports whether there is an upstream to try that has not been.
func (t *turn) untried() bool {
	return slices.ContainsFunc(t.servers(), func(s *server) bool { return s.available() && !t.hasTried(s) })
}

// wait is for the time d, unless the client leaves.
func (t *turn) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-t.request.Context().Done():
		return false
	}
}
